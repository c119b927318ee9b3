#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

// What the admin API answers. Pure.
namespace tidemark::admin
{
struct Response {
    std::uint16_t status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> fields; // further ones
};

// Why not (RFC 9457).
struct Problem {
    std::uint16_t status = 400;
    std::string title;
    std::string detail;
    std::string field; // the member or parameter at fault; "" for the whole
};
[[nodiscard]] std::string problem_json(const Problem& problem);
[[nodiscard]] Response response_of(const Problem& problem); // application/problem+json

// 16 hex digits: a number above 2^53 does not survive in JSON.
[[nodiscard]] std::string journal_text(std::uint64_t id);
} // namespace tidemark::admin
