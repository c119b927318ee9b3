#pragma once
#include <span>
#include <string>
#include <string_view>

namespace tidemark::config
{
// The name a hand probably meant: the one fewest edits away (insert, delete, replace, swap of
// neighbours; letter case counts as nothing), if that is at most a third of the longer text. "" if
// none is, or `text` exceeds 64 bytes.
[[nodiscard]] std::string nearest_name(std::string_view text,
                                       std::span<const std::string_view> names);
} // namespace tidemark::config
