#pragma once
#include "admin/problem.hpp"
#include "core/base/result.hpp"
#include "core/base/time.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The parameters of a URI's query, and times as people write them. Pure.
namespace tidemark::admin
{
class Parameters
{
  public:
    // "a=b&c=d", percent-encoded, '+' for a blank. Nothing if an escape is broken.
    [[nodiscard]] static std::optional<Parameters> parse(std::string_view query);
    // Null if it is not there; the first of several.
    [[nodiscard]] const std::string* find(std::string_view name) const;
    [[nodiscard]] std::string text(std::string_view name) const;
    // A problem naming the first that is not among `known`.
    [[nodiscard]] std::optional<Problem>
    unknown(std::initializer_list<std::string_view> known) const;

  private:
    std::vector<std::pair<std::string, std::string>> all_;
};

// 2026-03-01T12:00:00.123Z (RFC 3339).
[[nodiscard]] std::string time_text(WallTime time);
// That, with or without milliseconds, at Z or an offset; or seconds since 1970.
[[nodiscard]] std::optional<WallTime> time_from(std::string_view text);
} // namespace tidemark::admin
