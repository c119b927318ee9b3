#include "edge/worker/worker.hpp"

#include "core/base/hash.hpp"
#include "core/base/text.hpp"
#include "core/observe/access_line.hpp"
#include "core/observe/log.hpp"
#include "edge/cache/cache_key.hpp"
#include "edge/worker/stored_reply.hpp"

#include <algorithm>
#include <limits>

namespace tidemark::worker
{
namespace
{
constexpr Millis kTick{200};
constexpr std::size_t kMailboxLength = 256;
constexpr std::size_t kParsersKept = 8;

// Whatever makes a request more than a plain look-up.
constexpr http::FieldSet kUncommon = {
    http::FieldId::if_match,       http::FieldId::if_unmodified_since,
    http::FieldId::upgrade,        http::FieldId::cdn_loop,
    http::FieldId::max_forwards,   http::FieldId::expect,
    http::FieldId::tidemark_fence, http::FieldId::tidemark_read,
    http::FieldId::tidemark_debug};

// Connection names more than the connection's own life: fields that end here, and so may not select
// a variant.
bool connection_names_fields(const http::FieldList& fields)
{
    bool names = false;
    fields.each(http::FieldId::connection, [&](std::string_view value) {
        names = names || !(iequals(value, "keep-alive") || iequals(value, "close"));
    });
    return names;
}

upstream::ClientLimits limits_of(const config::EdgeSettings& settings, std::uint32_t of_workers,
                                 std::uint64_t descriptors, std::size_t upstreams)
{
    upstream::ClientLimits limits;
    limits.head.head_bytes = static_cast<std::uint32_t>(settings.limits.head_bytes);
    limits.head.fields = settings.limits.fields;
    limits.connect = settings.timeouts.connect;
    limits.first_byte = settings.timeouts.first_byte;
    limits.idle = settings.timeouts.upstream_idle;
    limits.keepalive = settings.timeouts.upstream_keepalive;
    limits.tunnel_idle = settings.timeouts.tunnel_idle;
    const std::uint64_t share = descriptors / std::max<std::size_t>(1, upstreams);
    limits.connections = static_cast<std::uint32_t>(std::max<std::uint64_t>(
        1, std::min<std::uint64_t>(settings.limits.upstream_connections, share) / of_workers));
    return limits;
}

http::HeadLimits head_limits_of(const config::EdgeSettings& settings)
{
    http::HeadLimits limits;
    limits.line_bytes = static_cast<std::uint32_t>(settings.limits.request_line_bytes);
    limits.head_bytes = static_cast<std::uint32_t>(settings.limits.head_bytes);
    limits.fields = settings.limits.fields;
    return limits;
}

cache::PurgeVerdict verdict_of(purge::Verdict verdict) noexcept
{
    switch (verdict) {
    case purge::Verdict::valid:
        return cache::PurgeVerdict::valid;
    case purge::Verdict::soft_stale:
        return cache::PurgeVerdict::soft_stale;
    case purge::Verdict::must_validate:
        return cache::PurgeVerdict::must_validate;
    case purge::Verdict::removed:
        break;
    }
    return cache::PurgeVerdict::removed;
}
} // namespace

Worker::Worker(Shared& shared, std::shared_ptr<const serve::Sites> sites,
               std::vector<net::ListenSocket> sockets, observe::AccessLog::Producer& access_log,
               std::uint32_t of_workers)
    : shared_(shared), of_workers_(of_workers), sites_(std::move(sites)),
      head_limits_(head_limits_of(sites_->settings())), pool_(loop_, client_limits()),
      participant_(shared.epochs.join()), sockets_(std::move(sockets)), access_log_(access_log)
{
    mailbox_ = std::make_unique<net::Mailbox<std::function<void()>>>(
        loop_, kMailboxLength, [](std::function<void()>&& order) { order(); });
    wakeup_ = std::make_unique<net::Wakeup>(loop_, [] {}); // before_wait() does the work
    ticker_ = std::make_unique<net::Timer>(loop_, [this] { tick(); });
    loop_.set_hooks([this] { participant_->online(); }, [this] { before_wait(); });
}

Worker::~Worker()
{
    join();
    loop_.set_hooks({}, {});
}

// ---- Any thread
// -------------------------------------------------------------------------------------------------------

void Worker::start()
{
    thread_ = std::thread([this] { run(); });
}

void Worker::join()
{
    if (thread_.joinable()) thread_.join();
}

void Worker::reload(std::shared_ptr<const serve::Sites> sites)
{
    // Full only if the worker has hung for hundreds of reloads; the next one then brings it up to
    // date.
    static_cast<void>(mailbox_->post([this, sites = std::move(sites)] { apply(sites); }));
}

void Worker::drain(Millis limit)
{
    static_cast<void>(mailbox_->post([this, limit] { begin_drain(limit); }));
}

bool Worker::refresh(std::string uri, std::function<void()> done)
{
    return mailbox_->post([this, uri = std::move(uri), done = std::move(done)]() mutable {
        begin_get(std::move(uri), std::move(done));
    });
}

void Worker::wake(std::shared_ptr<serve::Follower> follower) noexcept
{
    bool first = false;
    {
        const std::lock_guard lock(woken_mutex_);
        first = woken_.empty();
        woken_.push_back(std::move(follower));
    }
    // On our own thread before_wait() comes by anyway.
    if (first && std::this_thread::get_id() != thread_id_.load(std::memory_order_relaxed))
        wakeup_->signal();
}

// ---- The loop
// ---------------------------------------------------------------------------------------------------------

void Worker::run()
{
    thread_id_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    participant_->online();
    for (net::ListenSocket& socket : sockets_)
        listeners_.push_back(std::make_unique<net::Listener>(
            loop_, std::move(socket),
            [this](uv_stream_t* server, bool is_unix) { open(server, is_unix); }));
    sockets_.clear();
    ticker_->start(kTick, kTick);
    loop_.run();
    listeners_end_.reset();
    ticker_.reset();
    // Each turn brings the close callbacks of what the one before closed. The mailbox and the
    // wake-up stay until no other thread can call them: they end with the worker.
    while (!pool_.empty())
        loop_.run_pending();
    loop_.run_pending();
    participant_->offline();
    done_.store(true, std::memory_order_release);
}

void Worker::before_wait()
{
    for (;;) {
        {
            const std::lock_guard lock(woken_mutex_);
            waking_.swap(woken_);
        }
        if (waking_.empty()) break;
        for (const auto& follower : waking_)
            follower->deliver();
        waking_.clear();
    }
    buried_exchanges_.clear();
    buried_gets_.clear(); // behind their exchanges
    buried_fetches_.clear();
    // Destroying an exchange leaves its flight, which may wake a fetch: looked at before the loop
    // waits.
    {
        const std::lock_guard lock(woken_mutex_);
        if (!woken_.empty()) wakeup_->signal();
    }
    shared_.epochs.reclaim();
    participant_->offline();
}

void Worker::open(uv_stream_t* server, bool is_unix)
{
    auto owned = std::make_unique<ClientConnection>(*this);
    ClientConnection& connection = *owned;
    connections_.emplace(&connection, std::move(owned));
    if (!connection.accept(server, is_unix)) connection.close();
}

upstream::ClientLimits Worker::client_limits() const
{
    return limits_of(settings(), of_workers_, shared_.descriptors.upstreams,
                     sites_->upstreams().size());
}

std::uint64_t Worker::free_descriptors() const
{
    std::uint64_t used = shared_.connections.load(std::memory_order_relaxed);
    for (const auto& [url, upstream] : sites_->upstreams())
        used += upstream->connections.load(std::memory_order_relaxed);
    return shared_.descriptors.connections - std::min(used, shared_.descriptors.connections);
}

std::uint64_t Worker::free_for_client() const
{
    const std::uint64_t most = settings().limits.connections;
    const std::uint64_t open = shared_.connections.load(std::memory_order_relaxed);
    return std::min(free_descriptors(), most - std::min(open, most));
}

bool Worker::make_room_for_client()
{
    if (free_for_client() > 0) return true;
    close_longest_idle();
    return free_for_client() > 0;
}

void Worker::make_room_for_upstream()
{
    if (free_descriptors() == 0) close_longest_idle();
}

void Worker::close_longest_idle()
{
    ClientConnection* longest = nullptr;
    for (const auto& [connection, owned] : connections_)
        if (connection->may_be_sent_away() &&
            (longest == nullptr || connection->deadline() < longest->deadline()))
            longest = connection;
    if (longest == nullptr) return;
    count(Metric::connections_shed).add();
    longest->close();
}

void Worker::closed(ClientConnection& connection) noexcept
{
    connections_.erase(&connection);
    maybe_end();
}

void Worker::tick()
{
    const MonoTime now = loop_.mono();
    pool_.tick(now);
    for (const auto& [fetch, owned] : fetches_)
        fetch->tick(now);
    due_.clear();
    for (const auto& [connection, owned] : connections_)
        due_.push_back(connection);
    for (ClientConnection* connection : due_)
        connection->check_deadline(now);
    if (draining_ && now >= drain_until_)
        for (ClientConnection* connection : due_)
            connection->close();
    maybe_end();
}

// ---- Reload and end
// ---------------------------------------------------------------------------------------------------

void Worker::apply(std::shared_ptr<const serve::Sites> sites)
{
    sites_ = std::move(sites);
    head_limits_ = head_limits_of(settings());
    parsers_.clear(); // made with the old limits
    pool_.set_limits(client_limits());
}

void Worker::begin_get(std::string uri, std::function<void()> done)
{
    if (draining_) return;
    auto get = std::make_unique<BackgroundGet>(*this, std::move(uri), std::move(done));
    BackgroundGet& begun = *get;
    background_gets_.emplace(&begun, std::move(get));
    begun.start();
}

void Worker::begin_drain(Millis limit)
{
    draining_ = true;
    drain_until_ = loop_.mono() + limit;
    for (const auto& [connection, owned] : connections_)
        connection->drain();
    // One more look at the listening sockets: who waits there already has a connection as far as it
    // knows.
    listeners_end_ = std::make_unique<net::Timer>(loop_, [this] {
        listeners_.clear();
        maybe_end();
    });
    listeners_end_->start(Millis{1});
}

void Worker::maybe_end()
{
    if (!draining_ || !connections_.empty() || !listeners_.empty() || ended_) return;
    ended_ = true;
    ticker_->stop();
    background_gets_.clear(); // nobody waits for them
    pool_.close_all();
    fetches_.clear();
    loop_.stop();
}

// ---- Parts that outlive their use by a turn
// -----------------------------------------------------------------------------

Fetch& Worker::adopt(std::unique_ptr<Fetch> fetch)
{
    Fetch& adopted = *fetch;
    fetches_.emplace(&adopted, std::move(fetch));
    return adopted;
}

void Worker::finished(Fetch& fetch) noexcept
{
    const auto found = fetches_.find(&fetch);
    if (found == fetches_.end()) return;
    buried_fetches_.push_back(std::move(found->second));
    fetches_.erase(found);
}

void Worker::finished(BackgroundGet& get) noexcept
{
    const auto found = background_gets_.find(&get);
    if (found == background_gets_.end()) return;
    buried_gets_.push_back(std::move(found->second));
    background_gets_.erase(found);
}

void Worker::bury(std::unique_ptr<Exchange> exchange) noexcept
{
    // At once, for the connection below may be destroyed before this turn ends.
    exchange->retire();
    buried_exchanges_.push_back(std::move(exchange));
}

std::unique_ptr<http::RequestParser> Worker::take_parser()
{
    if (parsers_.empty()) return std::make_unique<http::RequestParser>(head_limits_);
    std::unique_ptr<http::RequestParser> parser = std::move(parsers_.back());
    parsers_.pop_back();
    return parser;
}

void Worker::give_back(std::unique_ptr<http::RequestParser> parser)
{
    if (parsers_.size() >= kParsersKept) return;
    parser->reset();
    parsers_.push_back(std::move(parser));
}

// ---- Hits
// ---------------------------------------------------------------------------------------------------------------

cache::PurgeVerdict Worker::verdict_on(const store::StoredResponse& record)
{
    const std::uint64_t generation = shared_.purges.generation();
    if (record.verified_generation() == generation) return cache::PurgeVerdict::valid;
    const std::string_view uri = cache::uri_of_key(record.key());
    const purge::Subject subject{uri, record.tags(), sites_->hash_of(uri)};
    const purge::Verdict verdict = shared_.purges.verdict(subject, record.fence(), loop_.mono(),
                                                          generation, record.verified_generation());
    if (verdict == purge::Verdict::valid) record.set_verified_generation(generation);
    return verdict_of(verdict);
}

cache::PurgeVerdict Worker::verdict_on(const store::StoredResponse& record, const Stance& stance)
{
    const cache::PurgeVerdict verdict = verdict_on(record);
    if (!stance.too_old(record.fence().local)) return verdict;
    return std::max(verdict, cache::PurgeVerdict::must_validate);
}

Stance Worker::stance(const serve::Site& site, Asker asker) const
{
    const follow::Standing& standing = shared_.standing;
    Stance stance;
    if (!standing.follows()) return stance;
    const BootTime now = net::Loop::boot_now();
    stance.footing = standing.footing(now);
    // Whoever asks holds a lease of its own, and does not serve adrift because we do.
    if (stance.footing == follow::Footing::serve && asker == Asker::node)
        stance.footing = follow::Footing::revalidate;
    if (stance.footing != follow::Footing::revalidate) return stance;
    // What a shield gave may have been a lease old when we asked for it: two leases would add up.
    stance.reusable_from = site.settings.shield ? std::numeric_limits<std::uint64_t>::max()
                                                : standing.reusable_from(now);
    return stance;
}

void Worker::alarm_unfenced(std::string_view upstream)
{
    constexpr Seconds kQuiet{10};
    count(Metric::unfenced_answers).add();
    if (loop_.mono() < quiet_until_) return;
    quiet_until_ = loop_.mono() + kQuiet;
    log::error("the shield {} answers without a valid fence: not stored", upstream);
}

bool Worker::answer_hit(const http::RequestHead& request, bool keep_alive,
                        const ClientConnection& connection, Output& out)
{
    if (request.method != http::Method::get && request.method != http::Method::head) return false;
    if (request.fields.has_any(kUncommon) || connection_names_fields(request.fields)) return false;
    const serve::Site* site = sites_->match(request.authority);
    if (site == nullptr || site->settings.cache.honour_request_directives) return false;
    std::string_view path = request.path;
    if (!site->plain) {
        const config::PathRule* rule = site->rule_for(path);
        if (site->bypasses(request, rule)) return false;
        if (rule != nullptr && rule->ignore_query) path = path.substr(0, path.find('?'));
        path = cache::forwarded_path(path, site->settings.key, path_);
    }
    key_.clear();
    cache::append_cache_key(key_, request, path, site->settings.key);

    const store::StoredResponse* found = nullptr;
    shared_.store.each_variant(hash_bytes(key_), key_, [&](const store::StoredResponse& record) {
        if (!record.vary().empty()) {
            variant_.clear();
            cache::append_variant_key(variant_, record.vary(), request.fields);
            if (variant_ != record.variant()) return true;
        }
        found = &record;
        return false;
    });
    if (found == nullptr) return false;
    const Stance standing = stance(*site);
    if (standing.footing == follow::Footing::fail ||
        verdict_on(*found, standing) != cache::PurgeVerdict::valid)
        return false;
    const WallTime now = loop_.wall();
    const cache::Freshness& freshness = found->freshness();
    const Millis age = cache::current_age(freshness, now);
    if (freshness.no_cache || age >= freshness.lifetime) return false;
    found->touch();

    serve::Answer answer;
    std::string& text = out.begin_text();
    if (serve::asks_conditionally(request)) {
        fields_.clear();
        found->fields(fields_);
        answer = serve::decide_answer(request, found->status(), fields_, found->body_bytes(),
                                      found->stored_at(), now);
        serve::append_answer_head(text, answer, fields_, found->body_bytes());
    }
    if (answer.kind == serve::AnswerKind::full) text.append(found->head());
    text.append("Age: ");
    append_decimal(text, std::chrono::floor<Seconds>(age).count());
    text.append("\r\nCache-Status: ").append(sites_->status_name()).append("; hit; ttl=");
    append_decimal(text, std::chrono::floor<Seconds>(freshness.lifetime - age).count());
    if (standing.footing != follow::Footing::in_sync) {
        count(Metric::adrift).add();
        if (standing.footing == follow::Footing::serve) text.append("; detail=adrift");
    }
    if (!keep_alive)
        text.append("\r\nConnection: close");
    else if (request.minor_version == 0)
        text.append("\r\nConnection: keep-alive");
    text.append("\r\n\r\n");
    const std::size_t before = out.bytes();
    if (request.method == http::Method::get) {
        // A small body beside its head in one buffer costs less than a second piece for the kernel.
        constexpr std::uint64_t kCopyBytes = 4096;
        if (answer.kind == serve::AnswerKind::full && found->body_bytes() <= kCopyBytes &&
            found->body_pieces() == 1) {
            text.append(found->body_piece(0));
            out.end_text();
        } else {
            out.end_text();
            append_stored_body(out, *found, answer);
        }
    } else
        out.end_text();
    count(Metric::hits).add();
    if (!access_log_.off())
        log_hit(request, connection, answer, out.bytes() - before, found->status());
    return true;
}

void Worker::log_hit(const http::RequestHead& request, const ClientConnection& connection,
                     const serve::Answer& answer, std::size_t bytes, std::uint16_t stored_status)
{
    const std::string client = connection.stream().peer().host_text();
    observe::AccessEntry entry;
    entry.received = loop_.wall();
    entry.client = client;
    entry.method = request.method_text;
    entry.target = request.target;
    entry.protocol = request.minor_version == 0 ? "HTTP/1.0" : "HTTP/1.1";
    entry.status = serve::status_of(answer, stored_status);
    entry.body_bytes = bytes;
    entry.user_agent = request.fields.named("user-agent");
    entry.referer = request.fields.named("referer");
    entry.host = request.authority;
    entry.cache = "hit";
    log_line_.clear();
    observe::append_access_line(log_line_, entry);
    access_log_.append(log_line_);
}

void Worker::log_access(const Exchange& exchange, std::uint64_t body_bytes, bool complete)
{
    if (access_log_.off()) return;
    const http::RequestHead& request = exchange.request().head();
    const serve::CacheStatus& status = exchange.cache_status();
    observe::AccessEntry entry;
    entry.total = loop_.mono() - exchange.began();
    entry.received = loop_.wall() - std::chrono::duration_cast<Millis>(entry.total);
    entry.client = exchange.client_address();
    entry.method = request.method_text;
    entry.target = request.target;
    entry.protocol = request.minor_version == 0 ? "HTTP/1.0" : "HTTP/1.1";
    entry.status = exchange.replied_status();
    entry.body_bytes = body_bytes;
    entry.complete = complete;
    entry.user_agent = request.fields.named("user-agent");
    entry.referer = request.fields.named("referer");
    entry.host = request.authority;
    entry.cache = status.hit ? "hit" : serve::text_of(status.forward);
    log_line_.clear();
    observe::append_access_line(log_line_, entry);
    access_log_.append(log_line_);
}
} // namespace tidemark::worker
