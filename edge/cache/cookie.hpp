#pragma once
#include "core/base/text.hpp"
#include "core/http/message.hpp"

#include <string_view>

namespace tidemark::cache
{
// Visits the cookies of every Cookie line (RFC 6265 §4.2.1), in order: `visit(name, value)`, both
// trimmed. A pair without
// '=' is a name with an empty value, so that no rule on names can be dodged by leaving the value
// out; empty pairs are skipped. Quotes are part of the value.
template <class Visit> void each_cookie(const http::FieldList& fields, Visit&& visit)
{
    fields.each(http::FieldId::cookie, [&](std::string_view line) {
        while (!line.empty()) {
            const std::size_t end = line.find(';');
            const std::string_view pair = trim(line.substr(0, end));
            line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
            if (pair.empty()) continue;
            const std::size_t equals = pair.find('=');
            visit(trim(pair.substr(0, equals)), equals == std::string_view::npos
                                                    ? std::string_view{}
                                                    : trim(pair.substr(equals + 1)));
        }
    });
}
} // namespace tidemark::cache
