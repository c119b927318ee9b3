#pragma once
#include "bench/demo_site/tides.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tidemark::demo
{
struct Article {
    std::string_view slug;
    std::string_view title;
    std::string_view tags; // separated by spaces, as Surrogate-Key has them
    std::string_view teaser;
    std::string_view paragraphs; // HTML
};
[[nodiscard]] std::span<const Article> articles() noexcept;

// Whole HTML pages. `midnight` begins the day (UTC) that tables are for, so that a page changes
// once a day.
[[nodiscard]] std::string front_page(WallTime midnight);
[[nodiscard]] std::string harbour_page(const Harbour& harbour, WallTime midnight);
[[nodiscard]] std::string article_page(const Article& article);
// A short page of one heading and HTML below it.
[[nodiscard]] std::string note_page(std::string_view heading, std::string_view html);

[[nodiscard]] std::string_view style_css() noexcept;
[[nodiscard]] std::string_view tide_js() noexcept;
[[nodiscard]] std::string time_text(WallTime t); // "14:05", UTC
} // namespace tidemark::demo
