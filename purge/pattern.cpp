#include "purge/pattern.hpp"

#include <re2/re2.h>

namespace tidemark::purge
{
Pattern compile_pattern(std::string_view text, std::string& fault)
{
    if (text.size() > kPatternBytesMax) {
        fault = "longer than " + std::to_string(kPatternBytesMax) + " bytes";
        return nullptr;
    }
    // Latin-1 is RE2's name for plain bytes. As UTF-8 no '.' would match a stray byte, so that one
    // in a URI hid it from a purge.
    RE2::Options options(RE2::Latin1);
    options.set_max_mem(kPatternMemoryMax);
    options.set_never_capture(true);
    options.set_dot_nl(true);
    options.set_log_errors(false);
    auto pattern = std::make_shared<const RE2>(re2::StringPiece(text.data(), text.size()), options);
    if (pattern->ok()) return pattern;
    fault = pattern->error();
    return nullptr;
}

bool matches(const re2::RE2& pattern, std::string_view uri)
{
    return RE2::PartialMatch(re2::StringPiece(uri.data(), uri.size()), pattern);
}

std::string_view text_of(const re2::RE2& pattern)
{
    return pattern.pattern();
}
} // namespace tidemark::purge
