#include "edge/worker/exchange.hpp"

#include "core/base/hash.hpp"
#include "core/base/text.hpp"
#include "edge/cache/cache_key.hpp"
#include "edge/upstream/forward.hpp"
#include "edge/worker/fetch.hpp"
#include "edge/worker/stored_reply.hpp"
#include "edge/worker/worker.hpp"
#include "purge/read_token.hpp"

#include <algorithm>

namespace tidemark::worker
{
namespace
{
constexpr std::uint32_t kDetoursMax = 3; // flights waited for in vain before going alone
constexpr Millis kWaitForVersion{50};    // to be applied; then the upstream is asked
constexpr Millis kWaitStep{2};

Seconds whole_seconds(Millis t)
{
    return std::chrono::floor<Seconds>(t);
}
} // namespace

Exchange::Exchange(Worker& worker, Transport& transport, const http::RequestHead& request,
                   std::string client_address)
    : worker_(worker), transport_(transport), request_(request),
      client_address_(std::move(client_address)), sites_(worker.sites()),
      began_(worker.loop().mono())
{
}

Exchange::~Exchange()
{
    retire();
}

void Exchange::retire()
{
    waiter_.reset();
    if (follower_) follower_->detach();
    if (fetch_ != nullptr) std::exchange(fetch_, nullptr)->leader_left();
    leave_flight();
}

void Exchange::start()
{
    const http::RequestHead& request = request_.head();
    site_ = sites_->match(request.authority);
    if (site_ == nullptr) return reply_made(421, "no-such-site", false);
    rule_ = site_->rule_for(request.path);
    plan_ = serve::plan_request(request, site_->settings, site_->bypasses(request, rule_),
                                sites_->settings().name);
    if (plan_.course == serve::Course::refuse) return reply_made(plan_.status, {}, false);
    path_ = request.path;
    if (rule_ != nullptr && rule_->ignore_query) path_ = path_.substr(0, path_.find('?'));
    path_ = cache::forwarded_path(path_, site_->settings.key, path_scratch_);
    cache::append_cache_key(key_, request, path_, site_->settings.key);
    key_hash_ = hash_bytes(key_);
    heed_nodes();
    if (plan_.course != serve::Course::pass) return await_applied();
    worker_.count(Metric::passes).add();
    fetch_alone(plan_.bypass ? serve::Forward::bypass
                             : (request.method == http::Method::get ? serve::Forward::request
                                                                    : serve::Forward::method),
                nullptr);
}

// ---- What other nodes and token holders demand
// -----------------------------------------------------------------------------------------------

// Strangers can send these fields too: what is not proven counts for nothing.
void Exchange::heed_nodes()
{
    const http::RequestHead& request = request_.head();
    const http::FieldList& fields = request.fields;
    constexpr http::FieldSet kHeeded = {http::FieldId::tidemark_fence,
                                        http::FieldId::tidemark_read};
    if (!fields.has_any(kHeeded)) return;
    const std::shared_ptr<const follow::Standing::Keys> keys = worker_.shared().standing.keys();
    if (fields.has(http::FieldId::tidemark_fence)) {
        const auto stamp = keys && fields.lines_of(http::FieldId::tidemark_fence) == 1
                               ? serve::prove_fence_field(
                                     *keys, fields.first(http::FieldId::tidemark_fence),
                                     {serve::FenceKind::request, request.authority, request.target})
                               : std::nullopt;
        if (!stamp)
            worker_.count(Metric::unproven_fences).add();
        else {
            const bool ours = stamp->journal == worker_.shared().standing.journal();
            peer_ = ours ? Peer::ours : Peer::foreign;
            worker_.shared().has_peers.store(true, std::memory_order_relaxed);
            demand(*stamp);
        }
    }
    if (fields.has(http::FieldId::tidemark_read)) {
        const auto token =
            keys && fields.lines_of(http::FieldId::tidemark_read) == 1
                ? purge::prove_read_token(*keys, fields.first(http::FieldId::tidemark_read))
                : std::nullopt;
        if (token)
            demand({token->journal, token->version});
        else
            worker_.count(Metric::unproven_tokens).add();
    }
}

void Exchange::demand(const serve::FenceStamp& stamp)
{
    if (stamp.journal != worker_.shared().standing.journal())
        past_cache_ = true; // its versions say nothing here
    else if (!demanded_ || demanded_->version < stamp.version)
        demanded_ = stamp;
}

// It is on its way to us as well, so a little patience saves a fetch.
void Exchange::await_applied()
{
    if (past_cache_ || !demanded_) return look_up();
    if (worker_.shared().standing.has_applied(demanded_->journal, demanded_->version))
        return look_up();
    wait_until_ = worker_.loop().mono() + kWaitForVersion;
    waiter_ = std::make_unique<net::Timer>(worker_.loop(), [this] { on_wait_tick(); });
    waiter_->start(kWaitStep, kWaitStep);
}

void Exchange::on_wait_tick()
{
    const bool applied =
        worker_.shared().standing.has_applied(demanded_->journal, demanded_->version);
    if (!applied && worker_.loop().mono() < wait_until_) return;
    past_cache_ = !applied;
    waiter_->stop();
    look_up();
}

// Stored before anybody asked for the fields that only nodes of ours get.
bool Exchange::useless_to_peer(const store::StoredResponse& record) const
{
    return peer_ != Peer::none && !record.peer_lines() &&
           (!record.tags().empty() || record.freshness().ruled_by_unkept_fields);
}

// `stamp`: as of which version the content is valid.
void Exchange::append_peer_fields(std::string_view peer_lines, const serve::FenceStamp& stamp)
{
    if (peer_ == Peer::none) return;
    text_.append(peer_lines);
    const auto keys = worker_.shared().standing.keys();
    if (peer_ != Peer::ours || !keys || stamp.journal == 0) return;
    const http::RequestHead& request = request_.head();
    text_.append("Tidemark-Fence: ")
        .append(serve::make_fence_field(
            keys->newest, stamp, {serve::FenceKind::response, request.authority, request.target}))
        .append("\r\n");
}

// ---- Looking up
// -------------------------------------------------------------------------------------------------------

void Exchange::look_up()
{
    const http::RequestHead& request = request_.head();
    const WallTime now = worker_.loop().wall();
    stance_ = worker_.stance(*site_, peer_ == Peer::none ? Asker::client : Asker::node);
    if (stance_.footing != follow::Footing::in_sync) worker_.count(Metric::adrift).add();
    if (stance_.footing == follow::Footing::fail) return reply_made(503, "adrift", false);
    // Before the verdict: all of it then counts there.
    applied_ = {worker_.shared().standing.journal(), worker_.shared().standing.applied()};
    if (worker_.shared().standing.journal() != applied_.journal) applied_ = {};
    generation_ = worker_.shared().purges.generation();
    const store::StoredResponse* candidate = nullptr;
    std::string sibling_vary;
    bool any_variant = false;
    std::string variant;
    worker_.shared().store.each_variant(key_hash_, key_, [&](const store::StoredResponse& record) {
        if (worker_.verdict_on(record) == cache::PurgeVerdict::removed) {
            worker_.shared().store.erase(record);
            return true;
        }
        any_variant = true;
        if (sibling_vary.empty()) sibling_vary = record.vary();
        variant.clear();
        if (!record.vary().empty())
            cache::append_variant_key(variant, record.vary(), request.fields);
        if (variant != record.variant()) return true;
        candidate = &record;
        return false;
    });
    if (candidate != nullptr && (past_cache_ || useless_to_peer(*candidate))) {
        candidate = nullptr;
        alone_ = true;
    }
    alone_ = alone_ || past_cache_;
    const cache::PurgeVerdict verdict =
        candidate == nullptr ? cache::PurgeVerdict::valid : worker_.verdict_on(*candidate, stance_);
    cache::RequestDirectives directives;
    if (peer_ == Peer::none && site_->settings.cache.honour_request_directives)
        directives = cache::parse_request_directives(request.fields);
    cache::Reuse reuse =
        candidate == nullptr
            ? cache::Reuse::fetch
            : cache::decide_reuse(directives, candidate->freshness(), verdict, now);
    // Stale-while-revalidate is for clients: a node below would keep what we are about to replace.
    if (peer_ != Peer::none && reuse == cache::Reuse::serve_and_validate)
        reuse = cache::Reuse::validate;
    if (reuse == cache::Reuse::serve || reuse == cache::Reuse::serve_and_validate) {
        candidate->touch();
        worker_.count(Metric::hits).add();
        status_ = {};
        status_.hit = true;
        if (reuse == cache::Reuse::serve_and_validate) {
            worker_.count(Metric::stale_hits).add();
            validate_behind(*candidate, verdict);
        }
        if (stance_.footing == follow::Footing::serve) status_.detail = "adrift";
        return reply_stored(*candidate, applied_);
    }
    if (sibling_vary.empty()) sibling_vary = known_vary_;
    if (directives.only_if_cached) return reply_made(504, "only-if-cached", false);
    serve::Forward forward = any_variant ? serve::Forward::vary_miss : serve::Forward::uri_miss;
    if (candidate != nullptr) forward = serve::Forward::stale;
    if (past_cache_ && any_variant) forward = serve::Forward::request;
    worker_.count(Metric::misses).add();
    if (plan_.course == serve::Course::head) return fetch_alone(forward, candidate);
    if (plan_.ranged &&
        worker_.shared().keys.recall(key_hash_, now) == serve::KeyMemory::Kind::large)
        return fetch_alone(serve::Forward::partial, nullptr);
    join(reuse == cache::Reuse::fetch ? nullptr : candidate, verdict, sibling_vary, forward);
}

FetchOrder Exchange::order_for(const store::StoredResponse* stored,
                               cache::PurgeVerdict verdict) const
{
    FetchOrder order;
    order.sites = sites_;
    order.site = site_;
    order.rule = rule_;
    order.plan = plan_;
    order.path = path_;
    order.client_address = client_address_;
    order.for_cache = true;
    order.stored_verdict = verdict;
    order.heard = demanded_;
    if (stored == nullptr) return order;
    order.stored = store::ref(*stored);
    const std::string_view etag = stored->first_field(http::FieldId::etag);
    const bool strong = !etag.empty() && !etag.starts_with("W/");
    const bool any = !etag.empty() || !stored->first_field(http::FieldId::last_modified).empty();
    // What a purge, or being adrift, put in doubt is validated by a strong validator only (RFC 9110
    // §8.8), else fetched.
    order.validate = verdict == cache::PurgeVerdict::valid ? any : strong;
    return order;
}

serve::Flight::Start Exchange::flight_start(const std::string& sibling_vary) const
{
    serve::Flight::Start start;
    start.key_hash = key_hash_;
    start.key = key_;
    start.generation = generation_;
    start.vary = sibling_vary;
    if (!sibling_vary.empty())
        cache::append_variant_key(start.variant, sibling_vary, request_->fields);
    return start;
}

bool Exchange::joinable(const serve::Flight& flight, const serve::Flight::Start& mine) const
{
    if (stance_.too_old(flight.sent_local())) return false;
    switch (flight.phase()) {
    case serve::FlightPhase::waiting:
        // Who knows what the answers vary on does not wait for one that may be another variant.
        if (flight.start().vary != mine.vary) return mine.vary.empty();
        return flight.start().variant == mine.variant;
    case serve::FlightPhase::streaming: {
        if (!may_take(flight.head())) return false;
        const purge::Subject subject{cache::uri_of_key(key_), flight.head().tags, site_->hash};
        return worker_.shared().purges.verdict(subject, flight.fence(), worker_.loop().mono()) ==
               purge::Verdict::valid;
    }
    default:
        return false;
    }
}

void Exchange::join(const store::StoredResponse* candidate, cache::PurgeVerdict verdict,
                    const std::string& sibling_vary, serve::Forward forward)
{
    status_ = {};
    status_.forward = forward;
    const bool known_uncacheable = worker_.shared().keys.recall(key_hash_, worker_.loop().wall()) ==
                                   serve::KeyMemory::Kind::uncacheable;
    const bool personal = request_->fields.has(http::FieldId::authorization);
    serve::Flight::Start start = flight_start(sibling_vary);
    follower_ = std::make_shared<serve::Follower>(worker_, *this);
    const bool collapse =
        site_->settings.cache.collapse && !alone_ && !known_uncacheable && !personal;
    if (collapse) {
        const serve::Flight::Start mine = start;
        serve::FlightTable::Joined joined = worker_.shared().flights.join(
            std::move(start), [&](const serve::Flight& flight) { return joinable(flight, mine); },
            follower_);
        flight_ = std::move(joined.flight);
        leads_ = joined.leads;
    } else {
        flight_ = std::make_shared<serve::Flight>(std::move(start));
        flight_->follow(follower_);
        leads_ = true;
    }
    cursor_ = flight_->open();
    if (!leads_) {
        status_.collapsed = true;
        worker_.count(Metric::collapsed).add();
        return see_head(); // it may have come before we followed
    }
    FetchOrder order = order_for(candidate, verdict);
    order.in_table = collapse;
    order.wants_range = plan_.ranged;
    lead(std::move(order));
}

void Exchange::lead(FetchOrder order)
{
    Fetch& fetch = worker_.adopt(
        std::make_unique<Fetch>(worker_, flight_, request_.head(), std::move(order), this));
    fetch_ = &fetch;
    fetch.start();
}

// For this request only: its own method, conditions and ranges go along.
void Exchange::fetch_alone(serve::Forward forward, const store::StoredResponse* candidate)
{
    status_ = {};
    status_.forward = forward;
    follower_ = std::make_shared<serve::Follower>(worker_, *this);
    flight_ = std::make_shared<serve::Flight>(flight_start({}));
    flight_->follow(follower_);
    cursor_ = flight_->open();
    leads_ = true;
    FetchOrder order = order_for(candidate, cache::PurgeVerdict::valid);
    order.for_cache = false;
    order.validate = false;
    order.may_store = !plan_.bypass && plan_.upgrade.empty();
    lead(std::move(order));
}

// Serves what is there; one fetch in the background brings it up to date (RFC 5861 §3).
void Exchange::validate_behind(const store::StoredResponse& record, cache::PurgeVerdict verdict)
{
    serve::Flight::Start start = flight_start(std::string(record.vary()));
    const serve::Flight::Start mine = start;
    serve::FlightTable::Joined joined = worker_.shared().flights.join(
        std::move(start), [&](const serve::Flight& flight) { return joinable(flight, mine); },
        nullptr);
    if (!joined.leads) return;
    FetchOrder order = order_for(&record, verdict);
    order.in_table = true;
    worker_
        .adopt(std::make_unique<Fetch>(worker_, std::move(joined.flight), request_.head(),
                                       std::move(order), nullptr))
        .start();
}

// ---- Following a flight
// -----------------------------------------------------------------------------------------------

void Exchange::on_wake() noexcept
{
    if (!flight_) return;
    if (follower_->left_behind.load(std::memory_order_relaxed)) return transport_.abort();
    if (head_taken_)
        transport_.body_ready();
    else
        see_head();
}

bool Exchange::may_take(const serve::FlightHead& head) const
{
    if (!head.shareable) return false;
    if (head.purged && generation_ > head.sent_generation) return false;
    if (head.vary.empty()) return true;
    std::string variant;
    cache::append_variant_key(variant, head.vary, request_->fields);
    return variant == head.variant;
}

void Exchange::see_head()
{
    switch (flight_->phase()) {
    case serve::FlightPhase::waiting:
        return;
    case serve::FlightPhase::replaced: {
        const store::StoredRef record = store::ref(*flight_->record());
        // Each who waited for what must be validated every time validates for itself.
        if (!leads_ && record->freshness().no_cache) return elsewhere(true);
        if (!leads_ && (worker_.verdict_on(*record) >= cache::PurgeVerdict::must_validate ||
                        !matches(*record)))
            return elsewhere(false);
        status_.forward_status = flight_->upstream_status();
        status_.detail = flight_->replaced_detail();
        if (!status_.detail.empty() && peer_ != Peer::none)
            return reply_made(502, "upstream-failed", false); // what is stale is for clients only
        if (useless_to_peer(*record)) return elsewhere(true);
        if (!status_.detail.empty()) worker_.count(Metric::stale_hits).add();
        return reply_stored(*record, {flight_->journal(), record->fence().version});
    }
    case serve::FlightPhase::failed:
        return reply_made(flight_->failure().status, flight_->failure().detail, false);
    case serve::FlightPhase::elsewhere:
        return elsewhere(false);
    case serve::FlightPhase::streaming:
    case serve::FlightPhase::complete:
    case serve::FlightPhase::cut:
        break;
    }
    const serve::FlightHead& head = flight_->head();
    if (!leads_ && (!may_take(head) || !cursor_)) {
        known_vary_ = head.vary;
        return elsewhere(!head.shareable && !head.purged);
    }
    take_flight();
}

bool Exchange::matches(const store::StoredResponse& record) const
{
    if (record.vary().empty()) return true;
    std::string variant;
    cache::append_variant_key(variant, record.vary(), request_->fields);
    return variant == record.variant();
}

void Exchange::elsewhere(bool alone)
{
    leave_flight();
    leads_ = false;
    ++detours_;
    alone_ = alone_ || alone || detours_ > kDetoursMax;
    look_up();
}

void Exchange::take_flight()
{
    const serve::FlightHead& head = flight_->head();
    head_taken_ = true;
    status_.stored = head.stored;
    if (head.stored)
        status_.ttl = whole_seconds(head.freshness.lifetime -
                                    cache::current_age(head.freshness, head.received_at));
    answer_ = {};
    const bool ours = plan_.course == serve::Course::cache && head.status == 200 && head.has_body;
    http::FieldList fields;
    if (ours && serve::asks_conditionally(request_.head())) {
        serve::parse_lines(head.lines, fields);
        answer_ =
            serve::decide_answer(request_.head(), head.status, fields, head.body_bytes.value_or(0),
                                 head.received_at, worker_.loop().wall());
        const bool in_part = answer_.kind != serve::AnswerKind::full &&
                             answer_.kind != serve::AnswerKind::not_modified;
        // A range of what is still growing: only one, and only if its length is known; else the
        // whole (RFC 9110 §14.2).
        if (answer_.kind == serve::AnswerKind::multipart || (in_part && !head.body_bytes))
            answer_ = {};
    }
    Reply reply;
    reply.status = head.status;
    reply.lines = head.lines;
    reply.has_body = head.has_body;
    reply.body_bytes = head.body_bytes;
    body_ = head.has_body ? Body::flight : Body::none;
    std::string lines;
    if (answer_.kind != serve::AnswerKind::full) {
        serve::append_answer_head(lines, answer_, fields, head.body_bytes.value_or(0));
        reply.lines = lines;
        reply.status = serve::status_of(answer_, head.status);
        reply.has_body = answer_.kind == serve::AnswerKind::partial;
        reply.body_bytes = answer_.body_bytes;
        if (reply.has_body) {
            skip_bytes_ = answer_.ranges.front().first;
            left_bytes_ = answer_.ranges.front().size();
        } else
            body_ = Body::none;
    }
    if (request_->method == http::Method::head) reply.has_body = false;
    std::optional<Millis> age;
    if (head.upstream_had_age || status_.collapsed)
        age = cache::current_age(head.freshness, worker_.loop().wall());
    note_fences(flight_->fence().version);
    append_own_fields(age);
    append_peer_fields(head.peer_lines, {flight_->journal(), flight_->fence().version});
    reply.more_lines = text_;
    replied_ = reply.status;
    if (!reply.has_body) body_ = Body::none;
    transport_.send_reply(reply);
}

void Exchange::leave_flight()
{
    if (follower_) follower_->detach();
    if (flight_ && follower_) flight_->leave(*follower_);
    cursor_.reset();
    follower_.reset();
    flight_.reset();
    head_taken_ = false;
}

// ---- Answering
// --------------------------------------------------------------------------------------------------------

void Exchange::append_own_fields(std::optional<Millis> age)
{
    text_.clear();
    if (age) {
        text_.append("Age: ");
        append_decimal(text_, whole_seconds(*age).count());
        text_.append("\r\n");
    }
    serve::append_cache_status(text_, sites_->status_name(), status_);
}

// For who debugs, where that is allowed.
void Exchange::note_fences(std::uint64_t fence_version)
{
    if (sites_->settings().debug_fences &&
        request_->fields.first(http::FieldId::tidemark_debug) == "fence")
        status_.fences = {worker_.shared().standing.applied(), fence_version};
}

void Exchange::reply_stored(const store::StoredResponse& record, const serve::FenceStamp& as_of)
{
    record_ = store::ref(record);
    leave_flight();
    const WallTime now = worker_.loop().wall();
    const Millis age = cache::current_age(record.freshness(), now);
    status_.ttl = whole_seconds(record.freshness().lifetime - age);
    http::FieldList fields;
    answer_ = {};
    answer_.body_bytes = record.body_bytes();
    if (serve::asks_conditionally(request_.head())) {
        record.fields(fields);
        answer_ = serve::decide_answer(request_.head(), record.status(), fields,
                                       record.body_bytes(), record.stored_at(), now);
    }
    Reply reply;
    std::string lines;
    reply.status = record.status();
    reply.lines = record.head();
    if (answer_.kind != serve::AnswerKind::full) {
        serve::append_answer_head(lines, answer_, fields, record.body_bytes());
        reply.lines = lines;
        reply.status = serve::status_of(answer_, record.status());
    }
    reply.body_bytes = answer_.body_bytes;
    reply.has_body = answer_.body_bytes > 0 && request_->method != http::Method::head;
    body_ = reply.has_body ? Body::record : Body::none;
    note_fences(record.fence().version);
    append_own_fields(age);
    append_peer_fields(record.peer_lines().value_or(std::string_view{}), as_of);
    reply.more_lines = text_;
    replied_ = reply.status;
    transport_.send_reply(reply);
}

void Exchange::reply_made(std::uint16_t status, std::string_view detail, bool close)
{
    leave_flight();
    if (fetch_ != nullptr) std::exchange(fetch_, nullptr)->leader_left();
    worker_.count(Metric::refused).add();
    status_.detail = detail;
    status_.hit = status_.stored = false;
    status_.ttl.reset();
    append_own_fields(std::nullopt);
    const std::string body = std::string(serve::reason_of(status)) + "\n";
    std::string lines =
        "HTTP/1.1 " + std::to_string(status) + " " + std::string(serve::reason_of(status)) + "\r\n";
    if (status == 405) lines.append("Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n");
    if (status == 503) lines.append("Retry-After: 1\r\n");
    const bool bodiless = status == 204;
    if (!bodiless) {
        lines.append("Content-Type: text/plain\r\nContent-Length: ");
        append_decimal(lines, static_cast<std::int64_t>(body.size()));
        lines.append("\r\nCache-Control: no-store\r\n");
    }
    Reply reply;
    reply.status = status;
    reply.lines = lines;
    const std::string own = std::exchange(text_, body);
    reply.more_lines = own;
    reply.body_bytes = body.size();
    reply.has_body = !bodiless && request_->method != http::Method::head;
    reply.close = close;
    body_ = reply.has_body ? Body::text : Body::none;
    replied_ = status;
    transport_.send_reply(reply);
}

// ---- The body, pulled by the transport
// --------------------------------------------------------------------------------

Pull Exchange::pull(Output& out, std::uint64_t max_bytes)
{
    switch (body_) {
    case Body::none:
        return Pull::end;
    case Body::text:
        out.text(text_);
        return Pull::end;
    case Body::record:
        append_stored_body(out, *record_, answer_);
        return Pull::end;
    case Body::flight:
        return pull_flight(out, max_bytes);
    }
    return Pull::end;
}

Pull Exchange::pull_flight(Output& out, std::uint64_t max_bytes)
{
    // The phase first: what was published before it is then seen by the cursor.
    const serve::FlightPhase phase = flight_->phase();
    while (max_bytes > 0 && (!left_bytes_ || *left_bytes_ > 0)) {
        store::Slice slice = cursor_->next(
            left_bytes_ ? std::min(max_bytes, skip_bytes_ + *left_bytes_) : max_bytes);
        if (!slice.chunk) break;
        if (skip_bytes_ > 0) {
            const auto skipped =
                static_cast<std::uint32_t>(std::min<std::uint64_t>(skip_bytes_, slice.bytes));
            skip_bytes_ -= skipped;
            slice.offset += skipped;
            slice.bytes -= skipped;
            if (slice.bytes == 0) continue;
        }
        max_bytes -= slice.bytes;
        if (left_bytes_) *left_bytes_ -= slice.bytes;
        out.slice(std::move(slice));
    }
    follower_->consumed_bytes.store(cursor_->offset_bytes(), std::memory_order_seq_cst);
    flight_->consumed();
    if (left_bytes_ && *left_bytes_ == 0) return Pull::end;
    if (max_bytes == 0) return Pull::more;
    if (phase == serve::FlightPhase::cut) return Pull::cut;
    if (phase != serve::FlightPhase::complete) return Pull::wait;
    trailer_lines_ = flight_->trailer_lines();
    return Pull::end;
}

// ---- The request's body, and tunnels
// ----------------------------------------------------------------------------------

bool Exchange::wants_request_body() const noexcept
{
    if (fetch_ == nullptr) return replied_ == 0 || request_ended_;
    return fetch_->ready_for_body() && !fetch_->backed_up();
}

void Exchange::on_request_body(std::string_view bytes)
{
    if (fetch_ != nullptr) fetch_->send_body(bytes);
}

void Exchange::on_request_end()
{
    request_ended_ = true;
    if (fetch_ != nullptr) fetch_->end_body();
}

void Exchange::on_request_broken(std::uint16_t status)
{
    if (fetch_ != nullptr) fetch_->break_body();
    if (replied_ != 0) return transport_.abort();
    reply_made(status, "request-body", true);
}

void Exchange::on_fetch_wants_body()
{
    transport_.want_request_body();
}

void Exchange::on_interim(const http::ResponseHead& head)
{
    std::string lines = "HTTP/1.1 " + std::to_string(head.status) + " ";
    lines.append(head.reason.empty() ? serve::reason_of(head.status) : head.reason).append("\r\n");
    const upstream::HopByHop hop_by_hop(head.fields);
    for (const http::Field& field : head.fields)
        if (!hop_by_hop.covers(field) && !serve::is_between_nodes(field.id) &&
            field.id != http::FieldId::content_length)
            lines.append(field.name).append(": ").append(field.value).append("\r\n");
    transport_.send_interim(head.status, lines);
}

void Exchange::on_tunnel(const http::ResponseHead& head)
{
    tunnel_ = true;
    replied_ = head.status;
    std::string lines = "HTTP/1.1 101 Switching Protocols\r\n";
    const upstream::HopByHop hop_by_hop(head.fields);
    for (const http::Field& field : head.fields)
        if (!hop_by_hop.covers(field) && !serve::is_between_nodes(field.id) &&
            field.id != http::FieldId::content_length)
            lines.append(field.name).append(": ").append(field.value).append("\r\n");
    lines.append("Upgrade: ")
        .append(head.fields.first(http::FieldId::upgrade))
        .append("\r\nConnection: Upgrade\r\n");
    Reply reply;
    reply.status = head.status;
    reply.lines = lines;
    transport_.become_tunnel(reply);
}

void Exchange::on_tunnel_bytes(std::string_view bytes)
{
    if (fetch_ != nullptr) fetch_->send_tunnel_bytes(bytes);
}

bool Exchange::tunnel_full() const noexcept
{
    return fetch_ == nullptr || fetch_->backed_up();
}

void Exchange::on_tunnel_end()
{
    if (fetch_ != nullptr) fetch_->end_tunnel();
}

void Exchange::on_fetched_tunnel_bytes(std::string_view bytes)
{
    transport_.send_tunnel_bytes(bytes);
}

void Exchange::on_fetched_tunnel_end()
{
    transport_.end_tunnel();
}

bool Exchange::client_backed_up() const
{
    return transport_.tunnel_backed_up();
}

void Exchange::on_client_drained()
{
    if (fetch_ != nullptr) fetch_->on_client_drained();
}
} // namespace tidemark::worker
