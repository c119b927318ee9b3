#pragma once
#include "app/command_line.hpp"
#include "core/base/result.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// One request to an admin endpoint and its answer, blocking: this is for commands, not daemons.
namespace tidemark::app
{
struct AdminAnswer {
    std::uint16_t status = 0;
    std::string body;
};
struct AdminRequest {
    std::string_view method = "GET";
    std::string target;
    std::vector<std::pair<std::string, std::string>> fields;
    std::string body;
    // Instead of body, where it is long: hands out the next piece, "" at its end.
    std::function<std::string_view()> pieces;
    Seconds answer_within{30};
};
// Errors: why there is no answer, for people.
[[nodiscard]] Result<AdminAnswer, std::string> ask(const AdminEndpoint& admin,
                                                   const AdminRequest& request);
} // namespace tidemark::app
