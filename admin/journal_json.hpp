#pragma once
#include "purge/message.hpp"
#include "purge/report.hpp"

#include <nlohmann/json_fwd.hpp>

// What the API shows of messages and edges. Pure.
namespace tidemark::admin
{
// In the words of a purge request.
[[nodiscard]] nlohmann::json json_of(const purge::Message& message);
[[nodiscard]] nlohmann::json json_of(const purge::VersionReport& report);
[[nodiscard]] nlohmann::json json_of(const purge::EdgeReport& edge);
} // namespace tidemark::admin
