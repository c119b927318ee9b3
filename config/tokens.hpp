#pragma once
#include "config/table_reader.hpp"
#include "config/token_settings.hpp"

#include <vector>

namespace tidemark::config
{
// One [[token]]. A name that is there already is an error.
void read_token(TableReader& table, std::vector<TokenSettings>& tokens);
} // namespace tidemark::config
