#include "edge/worker/pushed.hpp"

#include "core/base/hash.hpp"
#include "core/base/text.hpp"
#include "core/http/parser.hpp"
#include "core/observe/log.hpp"
#include "edge/cache/cache_key.hpp"
#include "edge/worker/request_for.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>

namespace tidemark::worker
{
namespace
{
// The stored lines as fields, and the status line's reason.
std::string_view reason_in(std::string_view lines)
{
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    return line.substr(std::min<std::size_t>(line.size(), 13));
}

std::optional<std::string_view> head_fault(const http::ResponseHead& head, std::uint64_t body_bytes)
{
    using Kind = http::BodyFraming::Kind;
    if (head.status != 200) return "its status is not 200";
    if (head.framing.kind == Kind::chunked) return "a body of known length is not chunked";
    if (head.framing.kind == Kind::length && head.framing.length_bytes != body_bytes)
        return "its Content-Length is not its body's";
    return std::nullopt;
}

PushOutcome outcome_of(store::MemoryStore::Insert insert) noexcept
{
    switch (insert) {
    case store::MemoryStore::Insert::stored:
        return PushOutcome::stored;
    case store::MemoryStore::Insert::superseded:
        return PushOutcome::superseded;
    case store::MemoryStore::Insert::no_room:
        break;
    }
    return PushOutcome::no_room;
}
} // namespace

std::string_view text_of(PushOutcome outcome) noexcept
{
    switch (outcome) {
    case PushOutcome::stored:
        return "stored";
    case PushOutcome::no_content:
        return "its content is not here";
    case PushOutcome::bad_uri:
        return "its URI is not an absolute http or https URI";
    case PushOutcome::no_site:
        return "no site here has its host";
    case PushOutcome::bad_head:
        return "its head is not that of a 200 response with such a body";
    case PushOutcome::bypassed:
        return "a rule of its site bypasses the cache";
    case PushOutcome::vary:
        return "it has a Vary, and there is no request to be varied by";
    case PushOutcome::no_storing:
        return "its fields do not let a shared cache store it";
    case PushOutcome::invalidated:
        return "it was invalidated since";
    case PushOutcome::superseded:
        return "what is stored is newer";
    case PushOutcome::no_room:
    case PushOutcome::count_:
        break;
    }
    return "there is no room for it";
}

PushPlan plan_push(const serve::Sites& sites, std::string_view uri, std::string_view head,
                   std::uint64_t body_bytes, WallTime now)
{
    PushPlan plan;
    const auto refused = [&](PushOutcome outcome) {
        plan.outcome = outcome;
        return std::move(plan);
    };
    const auto request = request_for(uri);
    if (!request) return refused(PushOutcome::bad_uri);
    plan.site = sites.match(request->authority);
    if (plan.site == nullptr) return refused(PushOutcome::no_site);
    const config::SiteSettings& settings = plan.site->settings;
    const config::PathRule* rule = plan.site->rule_for(request->path);
    if (plan.site->bypasses(*request, rule)) return refused(PushOutcome::bypassed);
    std::string scratch;
    std::string_view path = request->path;
    if (rule != nullptr && rule->ignore_query) path = path.substr(0, path.find('?'));
    path = cache::forwarded_path(path, settings.key, scratch);
    cache::append_cache_key(plan.key, *request, path, settings.key);

    http::HeadLimits limits;
    limits.head_bytes = store::kContentHeadBytesMax;
    limits.fields = sites.settings().limits.fields;
    http::ResponseParser parser(limits);
    std::size_t consumed = 0;
    const auto progress = parser.feed(head, consumed);
    if (!progress || *progress != http::HeadProgress::complete || consumed != head.size() ||
        head_fault(parser.head(), body_bytes))
        return refused(PushOutcome::bad_head);
    serve::Asked asked;
    asked.target_uri = cache::uri_of_key(plan.key);
    asked.for_cache = true;
    plan.response = serve::plan_response(asked, parser.head(), {now, now}, settings.cache, rule);
    for (const std::string& tag : plan.response.tags)
        plan.tags.push_back(purge::tag_hash(tag));
    if (!plan.response.vary.empty() || plan.response.storable == cache::Storable::vary_any)
        return refused(PushOutcome::vary);
    if (plan.response.storable != cache::Storable::yes) return refused(PushOutcome::no_storing);
    if (body_bytes > sites.settings().limits.max_object_bytes) return refused(PushOutcome::no_room);
    return plan;
}

PushOutcome store_pushed(Shared& shared, const serve::Sites& sites, std::string_view uri,
                         const store::Content& content, const purge::Fence& fence, WallTime now)
{
    const PushPlan plan = plan_push(sites, uri, content.head, content.body_bytes, now);
    if (plan.outcome != PushOutcome::stored) return plan.outcome;
    const std::string& lines =
        plan.response.fields_differ ? plan.response.stored_lines : plan.response.lines;
    http::FieldList fields;
    serve::parse_lines(lines, fields);
    std::string length;
    if (!fields.has(http::FieldId::content_length)) {
        append_decimal(length, static_cast<std::int64_t>(content.body_bytes));
        fields.add("Content-Length", length);
    }
    store::StoredResponse::Parts parts;
    parts.key = plan.key;
    parts.key_hash = hash_bytes(plan.key);
    parts.reason = reason_in(lines);
    parts.fields = &fields;
    parts.tags = plan.tags;
    parts.freshness = plan.response.freshness;
    parts.stored_at = now;
    parts.fence = fence;
    parts.body = content.body;
    parts.body_bytes = content.body_bytes;
    return outcome_of(shared.store.insert(store::StoredResponse::make(parts)));
}

// ---- When it may be stored

struct PushDriver::Pending {
    purge::Push push;
    purge::Version version = 0;
    std::uint64_t local = 0; // of its fence: when the message came
    std::string uri;         // as keyed; "" if there is nothing to judge
    std::vector<std::uint64_t> tags;
    bool applied = false;
    bool spoiled = false; // something between as_of and version covers it
};

PushDriver::PushDriver(net::Loop& loop, Shared& shared,
                       const std::shared_ptr<const serve::Sites>& sites, Parts parts)
    : loop_(loop), shared_(shared), sites_(sites), parts_(std::move(parts)),
      participant_(shared.epochs.join())
{
}

PushDriver::~PushDriver() = default;

void PushDriver::before_apply(std::span<const purge::Message> messages)
{
    for (const purge::Message& message : messages)
        if (std::holds_alternative<purge::Push>(message.body)) admit(message);
    for (auto& [version, pending] : pending_)
        for (const purge::Message& message : messages)
            judge(pending, message);
}

void PushDriver::admit(const purge::Message& message)
{
    const auto [at, is_new] = pending_.try_emplace(message.version);
    if (!is_new) return;
    Pending& pending = at->second;
    pending.push = std::get<purge::Push>(message.body);
    pending.version = message.version;
    pending.local = shared_.purges.fence().local;
    if (pending.push.as_of + 1 >= message.version) return; // nothing came between
    const std::string_view head = parts_.head_of(pending.push.digest);
    const std::uint64_t body_bytes =
        pending.push.content_bytes -
        std::min<std::uint64_t>(head.size(), pending.push.content_bytes);
    const PushPlan plan = plan_push(*sites_, pending.push.uri, head, body_bytes, loop_.wall());
    pending.uri = cache::uri_of_key(plan.key);
    pending.tags = plan.tags;
    // Without a head its tags are not known: any of them may have been purged.
    pending.spoiled = head.empty() || covered(pending);
}

// By what is applied so far: its own version is not.
bool PushDriver::covered(const Pending& pending) const
{
    participant_->online();
    const purge::Verdict verdict =
        shared_.purges.verdict({pending.uri, pending.tags, sites_->hash_of(pending.uri)},
                               {pending.push.as_of, pending.local}, loop_.mono());
    participant_->offline();
    return verdict != purge::Verdict::valid;
}

// A message that comes late, or together with the push: a state of its own tells what it covers.
void PushDriver::judge(Pending& pending, const purge::Message& message) const
{
    if (pending.spoiled || message.version <= pending.push.as_of ||
        message.version >= pending.version)
        return;
    const std::vector<purge::Invalidation> orders = parts_.invalidations_of(message);
    sync::EpochDomain epochs;
    const auto reader = epochs.join();
    purge::InvalidationState alone(epochs);
    alone.apply(orders, loop_.mono());
    reader->online();
    const purge::Fence fence{pending.push.as_of, std::numeric_limits<std::uint64_t>::max()};
    pending.spoiled = alone.verdict({pending.uri, pending.tags, sites_->hash_of(pending.uri)},
                                    fence, loop_.mono()) != purge::Verdict::valid;
    reader->offline();
}

void PushDriver::on_push(const purge::Message& message)
{
    const auto found = pending_.find(message.version);
    if (found == pending_.end()) return; // lost track of
    Pending& pending = found->second;
    pending.applied = true;
    if (!pending.spoiled && contiguous_ + 1 < message.version &&
        pending.push.as_of + 1 < message.version)
        return; // until on_applied()
    const auto node = pending_.extract(found);
    settle(node.mapped());
}

void PushDriver::on_applied(purge::Version contiguous)
{
    contiguous_ = contiguous;
    while (!pending_.empty() && pending_.begin()->first <= contiguous + 1 &&
           pending_.begin()->second.applied) {
        const auto node = pending_.extract(pending_.begin());
        settle(node.mapped());
    }
}

void PushDriver::on_lost_track()
{
    contiguous_ = 0;
    for (auto at = pending_.begin(); at != pending_.end();) {
        const auto node = pending_.extract(at++);
        end(node.mapped().push.uri, PushOutcome::invalidated);
    }
}

void PushDriver::settle(const Pending& pending)
{
    if (pending.spoiled) return end(pending.push.uri, PushOutcome::invalidated);
    const purge::Fence fence{pending.version, pending.local};
    parts_.take(pending.push,
                [this, uri = pending.push.uri, fence](std::unique_ptr<store::Content> content) {
                    if (content == nullptr) return end(uri, PushOutcome::no_content);
                    participant_->online();
                    const PushOutcome outcome =
                        store_pushed(shared_, *sites_, uri, *content, fence, loop_.wall());
                    participant_->offline();
                    end(uri, outcome);
                });
}

void PushDriver::end(std::string_view uri, PushOutcome outcome)
{
    ++counts_[static_cast<std::size_t>(outcome)];
    if (outcome == PushOutcome::stored)
        log::info("push of {}: stored", uri);
    else
        log::warn("push of {}: only invalidated: {}", uri, text_of(outcome));
}
} // namespace tidemark::worker
