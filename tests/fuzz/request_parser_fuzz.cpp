#include "core/base/check.hpp"
#include "tests/core/http/heads.hpp"

#include <cstddef>
#include <cstdint>

// A request head is refused, or is what the rest of the program may rely on; and it is the same
// however its bytes are cut. The first byte chooses the cut and the limits.
namespace
{
using namespace tidemark::http;

void check_head(const RequestHead& head)
{
    TIDEMARK_CHECK(is_token(head.method_text));
    TIDEMARK_CHECK(head.scheme == "http" || head.scheme == "https");
    TIDEMARK_CHECK(is_authority(head.authority) ||
                   (head.authority.empty() && head.minor_version == 0));
    TIDEMARK_CHECK(head.method == Method::connect || head.path == "*" || head.path.front() == '/');
    TIDEMARK_CHECK(is_field_value(head.target) && head.target.find(' ') == head.target.npos);
    TIDEMARK_CHECK(head.minor_version == 1 || head.framing.kind != BodyFraming::Kind::chunked);
    TIDEMARK_CHECK(head.framing.kind != BodyFraming::Kind::until_close);
    TIDEMARK_CHECK(head.fields.lines_of(FieldId::host) <= 1);
    for (const Field& field : head.fields) {
        TIDEMARK_CHECK(is_token(field.name) && is_field_value(field.value));
        TIDEMARK_CHECK(field.id == field_id(field.name));
    }
}

HeadLimits limits_of(std::uint8_t choice)
{
    HeadLimits limits;
    if (choice < 128) return limits;
    limits.line_bytes = 40;
    limits.head_bytes = 160;
    limits.fields = 5;
    limits.blank_lines = 1;
    return limits;
}

void check_request(std::string_view bytes, const HeadLimits& limits)
{
    RequestParser parser(limits);
    std::size_t consumed = 0;
    const auto progress = parser.feed(bytes, consumed);
    if (!progress) return;
    TIDEMARK_CHECK(consumed <= bytes.size());
    if (*progress == HeadProgress::need_more) {
        TIDEMARK_CHECK(consumed == bytes.size());
        return;
    }
    TIDEMARK_CHECK(bytes.substr(0, consumed).substr(consumed - 4) == "\r\n\r\n");
    check_head(parser.head());
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) return 0;
    const HeadLimits limits = limits_of(data[0]);
    const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
    check_request(bytes, limits);

    const auto whole = test::read_request(bytes, {}, limits);
    const std::size_t cut = data[0] % 128U + 1;
    TIDEMARK_CHECK(test::read_request(bytes, {cut}, limits) == whole);
    TIDEMARK_CHECK(test::read_request(bytes, {cut, 1}, limits) == whole);
    return 0;
}
