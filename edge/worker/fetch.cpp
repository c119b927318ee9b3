#include "edge/worker/fetch.hpp"

#include "core/base/hash.hpp"
#include "core/base/text.hpp"
#include "edge/cache/cache_key.hpp"
#include "edge/cache/freshen.hpp"
#include "edge/cache/invalidation.hpp"
#include "edge/cache/uri.hpp"
#include "edge/upstream/forward.hpp"
#include "edge/worker/exchange.hpp"
#include "edge/worker/worker.hpp"

#include <algorithm>

namespace tidemark::worker
{
namespace
{
constexpr std::uint32_t kAttemptsMax = 3;
constexpr std::uint64_t kReserveBytes = 64 * 1024;
constexpr Millis kWaitForSlow{5'000}; // of those who follow the same flight

std::vector<std::uint64_t> hashes_of(const std::vector<std::string>& tags)
{
    std::vector<std::uint64_t> hashes;
    hashes.reserve(tags.size());
    for (const std::string& tag : tags)
        hashes.push_back(purge::tag_hash(tag));
    return hashes;
}

bool has_strong_tag(const store::StoredResponse& record)
{
    const std::string_view etag = record.first_field(http::FieldId::etag);
    return !etag.empty() && !etag.starts_with("W/");
}

// The body of a stored response as slices; a small one is copied.
std::vector<store::Slice> slices_of(const store::StoredResponse& record)
{
    const std::span<const store::Slice> shared = record.body_slices();
    if (!shared.empty() || record.body_bytes() == 0) return {shared.begin(), shared.end()};
    const std::string_view body = record.body_piece(0);
    store::Slice copy{store::ChunkRef::make(static_cast<std::uint32_t>(body.size())), 0,
                      static_cast<std::uint32_t>(body.size())};
    std::copy(body.begin(), body.end(), copy.chunk->data());
    return {std::move(copy)};
}
} // namespace

Fetch::Fetch(Worker& worker, std::shared_ptr<serve::Flight> flight,
             const http::RequestHead& request, FetchOrder order, Exchange* leader)
    : worker_(worker), flight_(std::move(flight)), request_(request), order_(std::move(order)),
      leader_(leader), owner_(std::make_shared<serve::Follower>(worker, *this)),
      in_table_(order_.in_table)
{
    flight_->set_owner(owner_);
    asked_.for_cache = order_.for_cache;
    asked_.target_uri = cache::uri_of_key(flight_->start().key);
    asked_.facts.method = order_.for_cache ? http::Method::get : request_->method;
    asked_.facts.authorization = request_->fields.has(http::FieldId::authorization);
    asked_.facts.has_body =
        request_->framing.kind != http::BodyFraming::Kind::none &&
        (request_->method == http::Method::get || request_->method == http::Method::head);
    asked_.facts.range = !order_.for_cache && request_->fields.has(http::FieldId::range);
    if (order_.site->settings.cache.honour_request_directives)
        asked_.facts.no_store = cache::parse_request_directives(request_->fields).no_store;
}

Fetch::~Fetch()
{
    owner_->detach();
    flight_->set_owner(nullptr);
}

// ---- Sending
// ----------------------------------------------------------------------------------------------------------

void Fetch::start()
{
    acquire(false);
}

void Fetch::acquire(bool fresh)
{
    const upstream::Upstream* failed = attempts_ > 0 && !fresh ? upstream_.get() : nullptr;
    ++attempts_;
    upstream_ = order_.site->upstreams->pick(worker_.loop().mono(), failed);
    worker_.make_room_for_upstream();
    if (upstream::Connection* kept = worker_.pool().acquire(*this, upstream_, fresh))
        on_connection(*kept);
}

void Fetch::on_connection(upstream::Connection& connection) noexcept
{
    connection_ = &connection;
    ++upstream_->requests;
    send_head();
}

// What the fence is when the request leaves; taken anew at every retry.
void Fetch::take_fence()
{
    const purge::InvalidationState& purges = worker_.shared().purges;
    const follow::Standing& standing = worker_.shared().standing;
    // The generation first: a purge between the two reads then counts as later than the request,
    // which is safe.
    sent_generation_ = purges.generation();
    // Another journal begins in the state first: its name, read on both sides, is never given to an
    // old fence.
    sent_journal_ = standing.journal();
    fence_ = purges.fence();
    if (standing.journal() != sent_journal_) sent_journal_ = 0;
    fence_lowered_ = unfenced_ = false;
    if (order_.heard && order_.heard->journal == sent_journal_)
        fence_.version = std::max(fence_.version, order_.heard->version);
    flight_->set_sent(fence_);
}

// For a shield; "" if there is no key to prove it with.
std::string Fetch::fence_field() const
{
    const auto keys = worker_.shared().standing.keys();
    if (!keys) return {};
    return serve::make_fence_field(keys->newest, {sent_journal_, fence_.version},
                                   {serve::FenceKind::request, sent_host_, order_.path});
}

// Who answers may only lower it: a shield whose copy is older, an app whose data lags behind.
void Fetch::settle_fence(const http::ResponseHead& head)
{
    const config::SiteSettings& site = order_.site->settings;
    if (site.shield) {
        const auto keys = worker_.shared().standing.keys();
        const auto stamp =
            keys && head.fields.lines_of(http::FieldId::tidemark_fence) == 1
                ? serve::prove_fence_field(*keys, head.fields.first(http::FieldId::tidemark_fence),
                                           {serve::FenceKind::response, sent_host_, order_.path})
                : std::nullopt;
        unfenced_ = !stamp || stamp->journal != sent_journal_;
        if (!unfenced_) lower_fence(stamp->version);
    }
    if (!site.as_of_field) return;
    const http::FieldId id = http::field_id(*site.as_of_field);
    const std::string_view text =
        id == http::FieldId::other ? head.fields.named(*site.as_of_field) : head.fields.first(id);
    if (text.data() == nullptr) return;
    if (const auto version = parse_decimal(text))
        lower_fence(*version);
    else
        worker_.count(Metric::bad_stamps).add();
}

void Fetch::lower_fence(std::uint64_t version) noexcept
{
    if (version >= fence_.version) return;
    fence_.version = version;
    fence_lowered_ = true;
}

void Fetch::send_head()
{
    // A purge that came since the look-up: what it removed must not come back by a 304, and what it
    // put in doubt not by a weak validator (RFC 9110 §8.8).
    if (order_.stored) {
        const Stance stance = worker_.stance(*order_.site);
        const cache::PurgeVerdict verdict = worker_.verdict_on(*order_.stored, stance);
        if (verdict == cache::PurgeVerdict::removed) order_.stored.reset();
        order_.validate = order_.validate && order_.stored &&
                          (verdict == cache::PurgeVerdict::valid || has_strong_tag(*order_.stored));
    }
    take_fence();
    asked_.validators_sent = order_.validate;
    upstream::ForwardRequest forward;
    forward.request = &request_.head();
    forward.method = order_.for_cache ? std::string_view("GET") : request_->method_text;
    forward.path = order_.path;
    const auto& host = order_.site->settings.host_header;
    // As it is keyed: another spelling of it could be answered otherwise.
    std::string authority;
    cache::append_authority(authority, request_->scheme, request_->authority);
    forward.authority = host ? std::string_view(*host) : std::string_view(authority);
    if (forward.authority.empty())
        forward.authority = upstream_->authority; // HTTP/1.0 without Host
    forward.client_address = order_.client_address;
    forward.edge_name = order_.sites->settings().name;
    forward.for_cache = order_.for_cache;
    forward.upgrade = order_.plan.upgrade;
    if (order_.rule != nullptr) forward.strip_fields = order_.rule->strip_request_fields;
    if (!order_.for_cache) {
        forward.framing = request_->framing;
        forward.expect_continue =
            request_->expect_continue && request_->framing.kind != http::BodyFraming::Kind::none;
    }
    if (order_.validate) {
        worker_.count(Metric::validations).add();
        forward.if_none_match = order_.stored->first_field(http::FieldId::etag);
        forward.if_modified_since = order_.stored->first_field(http::FieldId::last_modified);
    }
    std::string fence;
    if (order_.site->settings.shield) {
        sent_host_ = forward.authority;
        fence = fence_field();
        forward.fence = fence;
    }
    std::string head;
    head.reserve(1024);
    upstream::append_request_head(head, forward);
    times_.request_sent = worker_.loop().wall();
    connection_->expect_answer_to(asked_.facts.method);
    connection_->send(head);
    if (forward.framing.kind == http::BodyFraming::Kind::none) {
        body_ended_ = true;
        connection_->request_sent();
    } else if (leader_ != nullptr)
        leader_->on_fetch_wants_body();
}

bool Fetch::ready_for_body() const noexcept
{
    return connection_ != nullptr || finished_;
}

bool Fetch::backed_up() const noexcept
{
    return connection_ != nullptr && connection_->backed_up();
}

void Fetch::send_body(std::string_view bytes)
{
    if (connection_ == nullptr || body_ended_)
        return; // an early answer ended the exchange: the rest is dropped
    body_sent_ = true;
    if (request_->framing.kind != http::BodyFraming::Kind::chunked) return connection_->send(bytes);
    std::string framed;
    framed.reserve(bytes.size() + 16);
    http::append_chunk_size(framed, bytes.size());
    framed.append(bytes).append("\r\n");
    connection_->send(framed);
}

void Fetch::end_body()
{
    if (connection_ == nullptr || body_ended_) return;
    body_ended_ = true;
    if (request_->framing.kind == http::BodyFraming::Kind::chunked) connection_->send("0\r\n\r\n");
    connection_->request_sent();
}

void Fetch::break_body()
{
    if (finished_) return;
    fail({400, "request-body"});
}

void Fetch::on_sent_all() noexcept
{
    if (leader_ != nullptr) leader_->on_fetch_wants_body();
}

// ---- The answer
// -------------------------------------------------------------------------------------------------------

void Fetch::on_interim(const http::ResponseHead& head) noexcept
{
    if (leader_ != nullptr) leader_->on_interim(head);
}

void Fetch::on_response_head(const http::ResponseHead& head) noexcept
{
    head_seen_ = true;
    status_ = head.status;
    times_.response_received = worker_.loop().wall();
    if (head.status == 101) {
        if (order_.plan.upgrade.empty() || leader_ == nullptr)
            return fail({502, "unasked-upgrade"});
        tunnel_ = true;
        leave_table();
        connection_->become_tunnel();
        return leader_->on_tunnel(head);
    }
    settle_fence(head);
    http::FieldList stored_fields;
    if (order_.stored) order_.stored->fields(stored_fields);
    switch (serve::meaning_of(asked_, head, order_.stored ? &stored_fields : nullptr)) {
    case serve::Meaning::not_modified:
        worker_.count(Metric::validated).add();
        return freshen_stored(head);
    case serve::Meaning::mismatch:
        // Asked for again once this answer, which has no body, has ended.
        order_.stored.reset();
        order_.validate = false;
        ask_again_ = true;
        return;
    case serve::Meaning::bad:
        return fail({502, "bad-response"});
    case serve::Meaning::error:
        if (replace_by_stale(head.status)) return;
        break;
    case serve::Meaning::response:
        break;
    }
    publish_response(head);
}

// RFC 9111 §4.4: before the client hears of it, nobody is served the old content any more.
void Fetch::invalidate_unsafe(const http::ResponseHead& head)
{
    for (const std::string& uri :
         cache::uris_to_invalidate(request_->method, asked_.target_uri, head)) {
        const auto key = cache::normalise_uri(uri, order_.site->settings.key);
        if (!key) continue;
        worker_.shared().purges.apply_local(*key);
        worker_.shared().store.erase_key(hash_bytes(*key), *key);
    }
    // The answer itself is newer than what it invalidates: it may be stored (RFC 9110 §9.3.3).
    fence_.local = worker_.shared().purges.fence().local;
}

bool Fetch::purged(const std::vector<std::uint64_t>& tags) const
{
    const purge::Subject subject{asked_.target_uri, tags, order_.site->hash};
    return worker_.shared().purges.verdict(subject, fence_, worker_.loop().mono()) !=
           purge::Verdict::valid;
}

void Fetch::publish_response(const http::ResponseHead& head)
{
    plan_ = serve::plan_response(asked_, head, times_, order_.site->settings.cache, order_.rule);
    if (request_->method == http::Method::head && !order_.for_cache) update_from_head(head);
    const config::LimitSettings& limits = worker_.settings().limits;
    const bool sized = head.framing.kind == http::BodyFraming::Kind::length;
    const std::uint64_t body_bytes = sized ? head.framing.length_bytes : 0;
    if (order_.wants_range && head.status == 200 && body_bytes > limits.range_fetch_bytes) {
        // Too large to be fetched whole for a part of it: asked for again with the Range.
        worker_.shared().keys.remember(flight_->start().key_hash, serve::KeyMemory::Kind::large,
                                       worker_.loop().wall() +
                                           order_.site->settings.cache.uncacheable_memory);
        leave_table();
        flight_->send_elsewhere();
        return drop_connection();
    }
    serve::FlightHead published;
    published.status = head.status;
    published.lines = std::move(plan_.lines);
    published.peer_lines = std::move(plan_.peer_lines);
    if (sized) published.body_bytes = body_bytes;
    published.has_body = head.framing.kind != http::BodyFraming::Kind::none;
    if (!published.has_body) published.body_bytes = 0;
    published.tags = hashes_of(plan_.tags);
    published.purged = purged(published.tags);
    if (!http::is_safe(request_->method)) invalidate_unsafe(head);
    published.sent_generation = sent_generation_;
    published.shareable = plan_.shareable && !unfenced_;
    if (unfenced_ && plan_.storable == cache::Storable::yes)
        worker_.alarm_unfenced(upstream_->name);
    published.upstream_had_age = head.fields.has(http::FieldId::age);
    published.vary = plan_.vary;
    if (!plan_.vary.empty())
        cache::append_variant_key(published.variant, plan_.vary, request_->fields);
    published.freshness = plan_.freshness;
    published.received_at = times_.response_received;
    // An answer to an unsafe method gets past its own invalidation by a fence that looks younger
    // than its request. Reuse while adrift counts from the request, so it is not kept where that
    // may come.
    const bool datable = http::is_safe(request_->method) || !worker_.shared().standing.follows();
    storing_ = order_.may_store && datable && plan_.storable == cache::Storable::yes &&
               !unfenced_ && !published.purged && body_bytes <= limits.max_object_bytes &&
               reserve(body_bytes);
    published.stored = storing_;
    // What is not kept goes at the pace of the slowest who follows: too long a body for that.
    if (!storing_ && !published.purged && body_bytes > limits.buffered_bytes)
        published.shareable = false;
    if (!published.shareable) remember_uncacheable();
    if (!published.shareable || published.purged || !storing_) leave_table();
    flight_->set_fence(fence_, sent_journal_);
    flight_->publish_head(std::move(published));
    if (!storing_) flight_->stop_keeping();
}

void Fetch::remember_uncacheable()
{
    if (!order_.in_table || asked_.facts.authorization) return;
    const Seconds memory = order_.site->settings.cache.uncacheable_memory;
    if (memory.count() == 0) return;
    worker_.shared().keys.remember(flight_->start().key_hash, serve::KeyMemory::Kind::uncacheable,
                                   worker_.loop().wall() + memory);
}

void Fetch::on_response_body(std::string_view bytes) noexcept
{
    flight_->append(bytes);
    if (storing_) {
        const std::uint64_t appended = flight_->appended_bytes();
        if (appended > worker_.settings().limits.max_object_bytes ||
            (appended > reserved_bytes_ && !reserve(appended)))
            stop_storing();
    }
    flight_->publish();
    if (!storing_) throttle();
}

bool Fetch::reserve(std::uint64_t body_bytes)
{
    const std::uint64_t wanted = (body_bytes / kReserveBytes + 1) * kReserveBytes;
    if (wanted <= reserved_bytes_) return true;
    if (!worker_.shared().store.reserve(wanted - reserved_bytes_)) return false;
    reserved_bytes_ = wanted;
    return true;
}

void Fetch::unreserve() noexcept
{
    if (reserved_bytes_ != 0) worker_.shared().store.unreserve(reserved_bytes_);
    reserved_bytes_ = 0;
}

// It grew beyond what is stored, or there is no room: from here it streams through.
void Fetch::stop_storing()
{
    storing_ = false;
    leave_table();
    flight_->stop_keeping();
    unreserve();
}

void Fetch::throttle()
{
    if (connection_ == nullptr) return;
    const std::uint64_t window = worker_.settings().limits.buffered_bytes;
    if (flight_->appended_bytes() - flight_->slowest_bytes() <= window) return;
    connection_->pause();
    throttled_since_ = worker_.loop().mono();
    flight_->set_throttled(true);
    // A follower may have taken more just before it could know that we wait.
    if (flight_->appended_bytes() - flight_->slowest_bytes() <= window / 2) on_wake();
}

void Fetch::on_wake() noexcept
{
    if (finished_) return;
    abandon_if_useless();
    if (finished_ || connection_ == nullptr || tunnel_) return;
    const std::uint64_t window = worker_.settings().limits.buffered_bytes;
    if (flight_->appended_bytes() - flight_->slowest_bytes() > window / 2) return;
    flight_->set_throttled(false);
    throttled_since_.reset();
    connection_->resume();
}

void Fetch::tick(MonoTime now)
{
    if (!throttled_since_ || now - *throttled_since_ < kWaitForSlow) return;
    const std::uint64_t window = worker_.settings().limits.buffered_bytes;
    flight_->leave_behind_below(flight_->appended_bytes() - window / 2);
    owner_->signal();
}

void Fetch::on_response_end(const http::FieldList& trailers) noexcept
{
    connection_ = nullptr;
    if (ask_again_) {
        ask_again_ = false;
        head_seen_ = false;
        return acquire(false);
    }
    if (finished_) return;
    if (answered_) return finish();
    std::string lines;
    for (const http::Field& field : trailers)
        if (!serve::is_between_nodes(field.id))
            lines.append(field.name).append(": ").append(field.value).append("\r\n");
    store::StoredRef record;
    if (storing_) record = store_response();
    flight_->complete(std::move(lines), std::move(record));
    finish();
}

store::StoredRef Fetch::store_response()
{
    const serve::FlightHead& head = flight_->head();
    if (purged(head.tags)) {
        worker_.count(Metric::not_stored_purged).add();
        return nullptr;
    }
    http::FieldList fields;
    serve::parse_lines(plan_.fields_differ ? plan_.stored_lines : head.lines, fields);
    std::string length;
    if (!fields.has(http::FieldId::content_length) && head.status != 204) {
        append_decimal(length, static_cast<std::int64_t>(flight_->appended_bytes()));
        fields.add("Content-Length", length);
    }
    const std::vector<store::Slice> slices = flight_->slices();
    store::StoredResponse::Parts parts;
    parts.key = flight_->start().key;
    parts.vary = head.vary;
    parts.variant = head.variant;
    parts.status = head.status;
    parts.fields = &fields;
    parts.tags = head.tags;
    if (worker_.shared().has_peers.load(std::memory_order_relaxed))
        parts.peer_lines = head.peer_lines;
    parts.freshness = plan_.freshness;
    parts.body = slices;
    parts.body_bytes = flight_->appended_bytes();
    const std::string_view line = std::string_view(head.lines).substr(0, head.lines.find("\r\n"));
    parts.reason = line.substr(std::min<std::size_t>(line.size(), 13));
    return insert(parts);
}

store::StoredRef Fetch::record_of(store::StoredResponse::Parts& parts)
{
    parts.key_hash = flight_->start().key_hash;
    parts.stored_at = times_.response_received;
    parts.fence = fence_;
    // As of its own request it is valid; as of a lower fence that has to be seen.
    parts.generation = fence_lowered_ ? 0 : sent_generation_;
    return store::StoredResponse::make(parts);
}

store::StoredRef Fetch::insert(store::StoredResponse::Parts& parts)
{
    store::StoredRef record = record_of(parts);
    unreserve(); // from here the record itself counts
    store::StoredRef kept = store::ref(*record);
    if (worker_.shared().store.insert(std::move(record), fence_lowered_) ==
        store::MemoryStore::Insert::stored)
        worker_.count(Metric::stored).add();
    return kept;
}

// RFC 9111 §4.3.4: the stored body, the fields brought up to date, the new fence.
void Fetch::freshen_stored(const http::ResponseHead& head)
{
    const store::StoredRef stored = std::move(order_.stored);
    flight_->set_fence(fence_, sent_journal_);
    flight_->replace(freshened(*stored, head), {}, 304);
    leave_table();
    answered_ = true; // the rest of this answer is only read to its end
}

store::StoredRef Fetch::freshened(const store::StoredResponse& stored,
                                  const http::ResponseHead& head)
{
    http::FieldList stored_fields;
    stored.fields(stored_fields);
    const serve::FreshenPlan plan = serve::plan_freshen(
        head, stored.status(), stored.reason(), stored_fields, stored.freshness(), times_,
        order_.site->settings.cache, order_.rule, stored.peer_lines().value_or(std::string_view{}));
    http::FieldList fields;
    serve::parse_lines(plan.lines, fields);
    const std::vector<std::uint64_t> new_tags = hashes_of(plan.tags);
    const std::vector<store::Slice> slices = slices_of(stored);
    store::StoredResponse::Parts parts;
    parts.key = stored.key();
    parts.vary = stored.vary();
    parts.variant = stored.variant();
    parts.status = stored.status();
    parts.reason = stored.reason();
    parts.fields = &fields;
    parts.tags = new_tags.empty() ? stored.tags() : std::span<const std::uint64_t>(new_tags);
    parts.freshness = plan.freshness;
    parts.body = slices;
    parts.body_bytes = stored.body_bytes();
    if (stored.peer_lines()) parts.peer_lines = plan.peer_lines;
    if (unfenced_) worker_.alarm_unfenced(upstream_->name);
    // Of a shield or an app that lags behind a purge: the answer of the one who asked, and no more.
    if (unfenced_ || (fence_lowered_ && purged({parts.tags.begin(), parts.tags.end()})))
        return record_of(parts);
    if (plan.keep) return insert(parts);
    worker_.shared().store.erase(stored);
    return record_of(parts);
}

// RFC 9111 §4.3.5.
void Fetch::update_from_head(const http::ResponseHead& head)
{
    if (head.status != 200 || !order_.stored) return;
    const store::StoredRef stored = std::move(order_.stored);
    http::FieldList fields;
    stored->fields(fields);
    if (worker_.verdict_on(*stored) == cache::PurgeVerdict::removed ||
        cache::decide_head_update(head.fields, fields) == cache::HeadUpdate::invalidate)
        return worker_.shared().store.erase(*stored);
    // What is in doubt becomes valid again by a strong validator only (RFC 9110 §8.8).
    const bool sure =
        worker_.verdict_on(*stored, worker_.stance(*order_.site)) == cache::PurgeVerdict::valid ||
        (has_strong_tag(*stored) && head.fields.has(http::FieldId::etag));
    if (unfenced_ || !sure) return;
    static_cast<void>(freshened(*stored, head));
}

// A stored response stands in for an upstream that fails (RFC 9111 §4.2.4, RFC 5861 §4).
bool Fetch::replace_by_stale(std::uint16_t upstream_status)
{
    if (!order_.stored || !order_.for_cache) return false;
    const cache::PurgeVerdict verdict =
        worker_.verdict_on(*order_.stored, worker_.stance(*order_.site));
    const cache::UpstreamError error =
        upstream_status != 0 ? cache::UpstreamError::answer : cache::UpstreamError::no_answer;
    if (!cache::stale_on_error_allowed(order_.stored->freshness(), verdict, error,
                                       worker_.loop().wall()))
        return false;
    leave_table();
    flight_->replace(std::move(order_.stored), "stale-on-error", upstream_status);
    drop_connection();
    return true;
}

// ---- Ending
// -----------------------------------------------------------------------------------------------------------

void Fetch::on_failure(upstream::Failure failure) noexcept
{
    const bool was_reused = connection_ != nullptr && connection_->reused();
    connection_ = nullptr;
    worker_.count(Metric::upstream_failures).add();
    if (tunnel_) return on_tunnel_end();
    if (finished_) return;
    if (answered_) return finish();
    if (head_seen_) {
        leave_table();
        flight_->cut();
        return finish();
    }
    if (!body_sent_ && attempts_ < kAttemptsMax) {
        const bool nothing_sent = failure == upstream::Failure::unreachable ||
                                  failure == upstream::Failure::connect_timeout;
        const bool others = order_.site->upstreams->members().size() > 1;
        const bool stale_connection = failure == upstream::Failure::closed_early && was_reused &&
                                      http::is_idempotent(asked_.facts.method);
        if (nothing_sent ? others : stale_connection) {
            worker_.count(Metric::retries).add();
            return acquire(stale_connection);
        }
    }
    if (replace_by_stale(0)) return;
    fail({upstream::status_of(failure), upstream::text_of(failure)});
}

void Fetch::fail(serve::FlightFailure failure)
{
    leave_table();
    if (head_published())
        flight_->cut();
    else
        flight_->fail(failure);
    drop_connection();
}

bool Fetch::head_published() const noexcept
{
    return flight_->phase() == serve::FlightPhase::streaming;
}

void Fetch::drop_connection()
{
    if (connection_ != nullptr)
        std::exchange(connection_, nullptr)->abandon();
    else
        worker_.pool().cancel(*this);
    finish();
}

void Fetch::leader_left() noexcept
{
    leader_ = nullptr;
    if (tunnel_) return drop_connection();
    // Half a request must not be taken for a whole one.
    if (!body_ended_ && !finished_ && connection_ != nullptr) return fail({499, "client-gone"});
    abandon_if_useless();
}

// Goes on while somebody follows, or for the store's sake once the answer has begun or others may
// profit.
void Fetch::abandon_if_useless()
{
    if (finished_ || tunnel_ || flight_->followers() > 0) return;
    const bool sent = connection_ != nullptr;
    const bool of_use =
        head_seen_ ? storing_ : sent && (order_.for_cache || !http::is_safe(request_->method));
    if (!of_use) fail({499, "client-gone"});
}

void Fetch::leave_table()
{
    if (!in_table_) return;
    in_table_ = false;
    worker_.shared().flights.remove(*flight_);
}

void Fetch::finish() noexcept
{
    leave_table();
    unreserve();
    finished_ = true;
    if (leader_ != nullptr) std::exchange(leader_, nullptr)->on_fetch_gone();
    worker_.finished(*this);
}

// ---- Tunnel
// -----------------------------------------------------------------------------------------------------------

void Fetch::on_tunnel_bytes(std::string_view bytes) noexcept
{
    if (leader_ == nullptr) return;
    leader_->on_fetched_tunnel_bytes(bytes);
    if (leader_ != nullptr && connection_ != nullptr && leader_->client_backed_up())
        connection_->pause();
}

void Fetch::on_client_drained()
{
    if (connection_ != nullptr) connection_->resume();
}

void Fetch::on_tunnel_end() noexcept
{
    Exchange* leader = std::exchange(leader_, nullptr);
    if (leader != nullptr) {
        leader->on_fetch_gone();
        leader->on_fetched_tunnel_end();
    }
    drop_connection();
}

void Fetch::send_tunnel_bytes(std::string_view bytes)
{
    if (connection_ != nullptr) connection_->send(bytes);
}

void Fetch::end_tunnel()
{
    if (connection_ != nullptr) connection_->shutdown();
}
} // namespace tidemark::worker
