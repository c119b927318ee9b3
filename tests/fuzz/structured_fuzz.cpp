#include "core/base/check.hpp"
#include "core/http/structured.hpp"

#include <cstddef>
#include <cstdint>

// What a structured field held is in range and, written again, reads the same.
namespace
{
using namespace tidemark::http;
using Members = std::vector<SfMember>;

// Decimals and bytes stand for a value of the same kind: no writer of ours has them.
struct Writer {
    std::string& out;
    void operator()(std::int64_t value) const
    {
        TIDEMARK_CHECK(value >= -999'999'999'999'999 && value <= 999'999'999'999'999);
        out += std::to_string(value);
    }
    void operator()(double value) const
    {
        TIDEMARK_CHECK(value > -1e12 && value < 1e12);
        out += "0.5";
    }
    void operator()(const std::string& value) const
    {
        TIDEMARK_CHECK(append_sf_string(out, value));
    }
    void operator()(const SfToken& value) const
    {
        TIDEMARK_CHECK(is_sf_token(value.text));
        out += value.text;
    }
    void operator()(const SfBytes&) const { out += "::"; }
    void operator()(bool value) const { out += value ? "?1" : "?0"; }
};

void write(std::string& out, const std::vector<SfParameter>& parameters)
{
    TIDEMARK_CHECK(parameters.size() <= 64);
    for (const SfParameter& parameter : parameters) {
        out += ";" + parameter.key + "=";
        std::visit(Writer{out}, parameter.value);
    }
}

void write(std::string& out, const SfItem& item)
{
    std::visit(Writer{out}, item.value);
    write(out, item.parameters);
}

std::string written(const Members& members)
{
    TIDEMARK_CHECK(members.size() <= 1024);
    std::string out;
    for (const SfMember& member : members) {
        if (!out.empty()) out += ", ";
        if (!member.key.empty()) out += member.key + "=";
        if (!member.is_inner_list) {
            write(out, member.item);
            continue;
        }
        out += '(';
        for (const SfItem& item : member.inner) {
            write(out, item);
            out += ' ';
        }
        out += ')';
        write(out, member.item.parameters);
    }
    return out;
}

template <class Parse> void check_field(std::string_view text, Parse&& parse)
{
    const auto members = parse(text);
    if (!members) return;
    const std::string once = written(*members);
    const auto again = parse(once);
    TIDEMARK_CHECK(again && again->size() == members->size());
    TIDEMARK_CHECK(written(*again) == once);
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    check_field(text, parse_sf_dictionary);
    check_field(text, parse_sf_list);
    return 0;
}
