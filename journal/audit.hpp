#pragma once
#include "journal/journal.hpp"

#include <string_view>

// Questions about a message that was kept. Pure.
namespace tidemark::journal
{
// Does it cover this URL, as the selectors stand in it? An edge maps both through its own key
// rules, so this answers for URLs as people write them. Tags cannot be derived from a URL: an order
// by tag covers none here. Undo and floor cover nothing.
[[nodiscard]] bool covers(const purge::Message& message, std::string_view url);

// Everything that `query` asks of a message apart from the range of versions and the limit.
[[nodiscard]] bool matches(const Query& query, const purge::Message& message);
} // namespace tidemark::journal
