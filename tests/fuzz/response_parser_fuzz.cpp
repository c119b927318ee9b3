#include "core/base/check.hpp"
#include "tests/core/http/heads.hpp"

#include <cstddef>
#include <cstdint>

// A response head is refused, or is what the rest of the program may rely on; and it is the same
// however its bytes are cut. The first byte chooses the cut, the limits and the method that was
// asked with.
namespace
{
using namespace tidemark::http;

void check_head(const ResponseHead& head, Method method)
{
    TIDEMARK_CHECK(head.status >= 100 && head.status <= 999);
    TIDEMARK_CHECK(is_field_value(head.reason));
    const bool bodiless = head.status < 200 || head.status == 204 || head.status == 304;
    TIDEMARK_CHECK((!bodiless && method != Method::head) || head.framing == BodyFraming{});
    TIDEMARK_CHECK(head.framing.kind != BodyFraming::Kind::until_close || !head.keep_alive);
    for (const Field& field : head.fields) {
        TIDEMARK_CHECK(is_token(field.name) && is_field_value(field.value));
        TIDEMARK_CHECK(field.id == field_id(field.name));
    }
}

HeadLimits limits_of(std::uint8_t choice)
{
    HeadLimits limits;
    if (choice < 128) return limits;
    limits.line_bytes = 30;
    limits.head_bytes = 160;
    limits.fields = 5;
    return limits;
}

void check_response(std::string_view bytes, const HeadLimits& limits, Method method)
{
    ResponseParser parser(limits);
    parser.set_request_method(method);
    std::size_t consumed = 0;
    const auto progress = parser.feed(bytes, consumed);
    if (!progress) return;
    TIDEMARK_CHECK(consumed <= bytes.size());
    if (*progress == HeadProgress::need_more) {
        TIDEMARK_CHECK(consumed == bytes.size());
        return;
    }
    TIDEMARK_CHECK(bytes.substr(0, consumed).substr(consumed - 4) == "\r\n\r\n");
    check_head(parser.head(), method);
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) return 0;
    const HeadLimits limits = limits_of(data[0]);
    const Method method = data[0] % 2 == 0 ? Method::get : Method::head;
    const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
    check_response(bytes, limits, method);

    const auto whole = test::read_response(bytes, {}, limits, method);
    const std::size_t cut = data[0] % 128U + 1;
    TIDEMARK_CHECK(test::read_response(bytes, {cut}, limits, method) == whole);
    TIDEMARK_CHECK(test::read_response(bytes, {cut, 1}, limits, method) == whole);
    return 0;
}
