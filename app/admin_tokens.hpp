#pragma once
#include "admin/tokens.hpp"
#include "config/token_settings.hpp"

#include <vector>

namespace tidemark::app
{
// The tokens of a configuration as the admin API asks them.
[[nodiscard]] Result<admin::Tokens, std::string>
tokens_of(const std::vector<config::TokenSettings>& settings);
} // namespace tidemark::app
