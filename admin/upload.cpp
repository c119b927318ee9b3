#include "admin/upload.hpp"

#include "admin/purge_request.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>

namespace tidemark::admin
{
namespace
{
constexpr std::string_view kOwnPrefix = "tidemark-header-";
constexpr std::array<std::string_view, 15> kTaken = {"cache-control",
                                                     "etag",
                                                     "last-modified",
                                                     "expires",
                                                     "vary",
                                                     "link",
                                                     "cache-tag",
                                                     "edge-cache-tag",
                                                     "surrogate-key",
                                                     "xkey",
                                                     "cache-groups",
                                                     "surrogate-control",
                                                     "cdn-cache-control",
                                                     "x-magento-tags",
                                                     "age"};
// Of the message that carries the content, not of the content.
constexpr std::array<std::string_view, 2> kNotTaken = {"content-length", "content-range"};

std::string lower(std::string_view text)
{
    std::string out;
    append_lower(out, text);
    return out;
}
bool is_taken(const std::string& name)
{
    if (std::find(kNotTaken.begin(), kNotTaken.end(), name) != kNotTaken.end()) return false;
    return name.starts_with("content-") ||
           std::find(kTaken.begin(), kTaken.end(), name) != kTaken.end();
}

Response answer_to(Authority::Upload::Fault fault)
{
    using Fault = Authority::Upload::Fault;
    if (fault == Fault::too_large)
        return response_of({413, "Too large", "the content is larger than is taken here", ""});
    Response response =
        response_of({503, "Cannot keep the content",
                     fault == Fault::no_space ? "the disk is full" : "the disk fails", ""});
    response.fields.emplace_back("Retry-After", "5");
    return response;
}

class UploadSink final : public BodySink
{
  public:
    UploadSink(std::unique_ptr<Authority::Upload> upload, ContentOrder order, std::string head,
               Responder responder, Authority::Submitted done)
        : upload_(std::move(upload)), order_(std::move(order)), head_(std::move(head)),
          responder_(std::move(responder)), done_(std::move(done))
    {
    }
    Flow on_piece(ByteView piece) override
    {
        if (upload_->write(piece)) return Flow::more;
        responder_.answer(answer_to(upload_->why()));
        return Flow::stop;
    }
    void on_end() override
    {
        upload_->commit(std::move(order_.uri), std::move(head_), order_.as_of,
                        std::move(order_.draft), std::move(done_));
    }

  private:
    std::unique_ptr<Authority::Upload> upload_;
    ContentOrder order_;
    std::string head_;
    Responder responder_;
    Authority::Submitted done_;
};

auto wrong(std::string field, std::string detail)
{
    return fail(Problem{400, "Invalid parameter", std::move(detail), std::move(field)});
}
} // namespace

std::string content_head_of(const Request& request)
{
    std::string head;
    for (const auto& [name, value] : request.fields) {
        const std::string known = lower(name);
        std::string_view kept = name;
        if (known.starts_with(kOwnPrefix) && known.size() > kOwnPrefix.size())
            kept.remove_prefix(kOwnPrefix.size());
        else if (!is_taken(known))
            continue;
        head.append(kept).append(": ").append(value).append("\r\n");
    }
    return head;
}

Result<ContentOrder, Problem> content_order_of(const Parameters& parameters)
{
    ContentOrder order;
    order.uri = parameters.text("url");
    if (!is_absolute_uri(order.uri) || order.uri.size() > purge::kSelectorBytesMax)
        return wrong("url", "expected an absolute http or https URI");
    if (const std::string* as_of = parameters.find("as_of")) {
        order.as_of = parse_decimal(*as_of);
        if (!order.as_of) return wrong("as_of", "expected a version");
    }
    order.draft.key = parameters.text("key");
    order.draft.note = parameters.text("note");
    if (const std::string* site = parameters.find("site")) order.draft.site = *site;
    if (order.draft.key.size() > purge::kKeyBytesMax) return wrong("key", "at most 255 bytes");
    if (order.draft.note.size() > purge::kNoteBytesMax) return wrong("note", "at most 1024 bytes");
    if (order.draft.site.empty() || order.draft.site.size() > purge::kSiteBytesMax)
        return wrong("site", "expected a site's name, or *");
    purge::Push push;
    push.uri = order.uri;
    push.as_of = order.as_of.value_or(0);
    order.draft.body = std::move(push);
    return order;
}

std::unique_ptr<BodySink> upload_sink(std::unique_ptr<Authority::Upload> upload, ContentOrder order,
                                      std::string head, Responder responder,
                                      Authority::Submitted done)
{
    return std::make_unique<UploadSink>(std::move(upload), std::move(order), std::move(head),
                                        std::move(responder), std::move(done));
}
} // namespace tidemark::admin
