#include "core/http/parser.hpp"

#include "core/base/text.hpp"
#include "core/http/framing.hpp"
#include "core/http/head_reader.hpp"
#include "core/http/target.hpp"

namespace tidemark::http
{
namespace
{
Method method_of(std::string_view text) noexcept
{
    switch (text.size()) {
    case 3:
        if (text == "GET") return Method::get;
        return text == "PUT" ? Method::put : Method::other;
    case 4:
        if (text == "HEAD") return Method::head;
        return text == "POST" ? Method::post : Method::other;
    case 5:
        if (text == "PATCH") return Method::patch;
        return text == "TRACE" ? Method::trace : Method::other;
    case 6:
        return text == "DELETE" ? Method::delete_ : Method::other;
    case 7:
        if (text == "OPTIONS") return Method::options;
        return text == "CONNECT" ? Method::connect : Method::other;
    default:
        return Method::other;
    }
}

bool expects_continue(const FieldList& fields) noexcept
{
    bool found = false;
    fields.each(FieldId::expect, [&](std::string_view value) {
        each_list_member(value, [&](std::string_view expectation) {
            found = found || iequals(expectation, "100-continue");
        });
    });
    return found;
}
} // namespace

std::uint16_t status_of(HeadError error) noexcept
{
    switch (error) {
    case HeadError::malformed:
    case HeadError::bad_host:
    case HeadError::bad_framing:
        return 400;
    case HeadError::uri_too_long:
        return 414;
    case HeadError::head_too_large:
    case HeadError::too_many_fields:
        return 431;
    case HeadError::version:
    case HeadError::h2_preface:
        return 505;
    case HeadError::unknown_method:
    case HeadError::unknown_coding:
        return 501;
    }
    return 400;
}

std::string_view text_of(HeadError error) noexcept
{
    switch (error) {
    case HeadError::malformed:
        return "malformed head";
    case HeadError::bad_host:
        return "missing, repeated or malformed Host";
    case HeadError::bad_framing:
        return "body length in doubt";
    case HeadError::uri_too_long:
        return "request line too long";
    case HeadError::head_too_large:
        return "head too large";
    case HeadError::too_many_fields:
        return "too many fields";
    case HeadError::version:
        return "HTTP version not supported";
    case HeadError::unknown_method:
        return "unknown method";
    case HeadError::h2_preface:
        return "HTTP/2 preface on an HTTP/1 connection";
    case HeadError::unknown_coding:
        return "unknown transfer coding";
    }
    return "malformed head";
}

struct RequestParser::State {
    explicit State(const HeadLimits& limits) : reader(HTTP_REQUEST, limits, limits.blank_lines) {}
    [[nodiscard]] Result<void, HeadError> finish();

    HeadReader<RequestLine> reader;
    RequestHead head;
    std::string_view scheme = "http";
    std::string path_text;
};

Result<void, HeadError> RequestParser::State::finish()
{
    const RequestLine& line = reader.line();
    head.method_text = line.method(reader.head());
    head.method = method_of(head.method_text);
    head.target = line.target(reader.head());
    head.minor_version = line.minor_version;
    if (const auto collected = reader.collect(head.fields); !collected) return collected;
    if (const auto resolved = resolve_target(head, scheme, path_text); !resolved) return resolved;
    const auto framing = declared_framing(head.fields, head.minor_version);
    if (!framing) return fail(framing.error());
    head.framing = *framing;
    head.keep_alive = wants_keep_alive(head.fields, head.minor_version);
    head.expect_continue = head.minor_version == 1 && expects_continue(head.fields);
    return {};
}

RequestParser::RequestParser(const HeadLimits& limits) : state_(std::make_unique<State>(limits)) {}
RequestParser::~RequestParser() = default;
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;

Result<HeadProgress, HeadError> RequestParser::feed(std::string_view bytes, std::size_t& consumed)
{
    const auto progress = state_->reader.feed(bytes, consumed);
    if (!progress || *progress == HeadProgress::need_more) return progress;
    if (const auto finished = state_->finish(); !finished) return fail(finished.error());
    return progress;
}

const RequestHead& RequestParser::head() const noexcept
{
    return state_->head;
}
bool RequestParser::started() const noexcept
{
    return state_->reader.started();
}
void RequestParser::set_scheme(std::string_view scheme) noexcept
{
    state_->scheme = scheme;
}
void RequestParser::reset() noexcept
{
    state_->reader.reset();
}

struct ResponseParser::State {
    explicit State(const HeadLimits& limits) : reader(HTTP_RESPONSE, limits, 0) {}
    [[nodiscard]] Result<void, HeadError> finish();
    [[nodiscard]] bool has_no_body() const noexcept;

    HeadReader<StatusLine> reader;
    ResponseHead head;
    Method request_method = Method::get;
};

// RFC 9112 §6.3 rules 1 and 2.
bool ResponseParser::State::has_no_body() const noexcept
{
    return head.status < 200 || head.status == 204 || head.status == 304 ||
           request_method == Method::head ||
           (request_method == Method::connect && head.status < 300);
}

Result<void, HeadError> ResponseParser::State::finish()
{
    const StatusLine& line = reader.line();
    head.status = line.status;
    head.reason = line.reason(reader.head());
    head.minor_version = line.minor_version;
    if (const auto collected = reader.collect(head.fields); !collected) return collected;
    const auto framing = declared_framing(head.fields, head.minor_version);
    if (!framing) return fail(HeadError::bad_framing);
    head.framing = *framing;
    if (has_no_body())
        head.framing = {};
    else if (head.framing.kind == BodyFraming::Kind::none)
        head.framing.kind = BodyFraming::Kind::until_close;
    head.keep_alive = head.framing.kind != BodyFraming::Kind::until_close &&
                      wants_keep_alive(head.fields, head.minor_version);
    return {};
}

ResponseParser::ResponseParser(const HeadLimits& limits) : state_(std::make_unique<State>(limits))
{
}
ResponseParser::~ResponseParser() = default;
ResponseParser::ResponseParser(ResponseParser&&) noexcept = default;
ResponseParser& ResponseParser::operator=(ResponseParser&&) noexcept = default;

void ResponseParser::set_request_method(Method method) noexcept
{
    state_->request_method = method;
}

Result<HeadProgress, HeadError> ResponseParser::feed(std::string_view bytes, std::size_t& consumed)
{
    const auto progress = state_->reader.feed(bytes, consumed);
    if (!progress || *progress == HeadProgress::need_more) return progress;
    if (const auto finished = state_->finish(); !finished) return fail(finished.error());
    return progress;
}

const ResponseHead& ResponseParser::head() const noexcept
{
    return state_->head;
}
bool ResponseParser::started() const noexcept
{
    return state_->reader.started();
}
void ResponseParser::reset() noexcept
{
    state_->reader.reset();
}
} // namespace tidemark::http
