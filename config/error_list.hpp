#pragma once
#include "config/edge_config.hpp"

#include <string>
#include <utility>

namespace tidemark::config
{
// Where a value stands: a point of the file, or a flag.
struct Place {
    std::string source;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

// Collects; never stops anything. What is wrong is reported and its default kept, so that the rest
// is still checked.
class ErrorList
{
  public:
    void add(const Place& at, std::string message, std::string expected = {},
             std::string nearest = {})
    {
        errors_.push_back(ConfigError{at.source, at.line, at.column, std::move(message),
                                      std::move(expected), std::move(nearest)});
    }
    void add(const Place& at, Misread misread)
    {
        add(at, std::move(misread.message), std::move(misread.expected));
    }
    [[nodiscard]] bool empty() const noexcept { return errors_.empty(); }
    // The file's, from top to bottom, then those without a line: flags and what is missing.
    [[nodiscard]] ConfigErrors sorted() &&;

  private:
    ConfigErrors errors_;
};
} // namespace tidemark::config
