#include "edge/upstream/directory.hpp"

#include "core/observe/log.hpp"

#include <algorithm>
#include <netinet/in.h>

namespace tidemark::upstream
{
namespace
{
constexpr Millis kTick{500};
constexpr Millis kLookUpAgain{30'000};

bool same(const std::vector<net::Address>& a, const std::vector<net::Address>& b)
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const auto& x, const auto& y) { return x.text() == y.text(); });
}
} // namespace

// One GET of the health path; any answer below 500 is a good one.
class Directory::Probe final : public ConnectionUser
{
  public:
    Probe(std::shared_ptr<Upstream> upstream, std::string path)
        : upstream_(std::move(upstream)), path_(std::move(path))
    {
    }
    void start(Pool& pool)
    {
        if (Connection* kept = pool.acquire(*this, upstream_, false)) on_connection(*kept);
    }
    [[nodiscard]] bool done() const noexcept { return done_; }

    void on_connection(Connection& connection) noexcept override
    {
        connection.expect_answer_to(http::Method::get);
        connection.send("GET " + path_ + " HTTP/1.1\r\nHost: " + upstream_->authority +
                        "\r\nUser-Agent: tidemark-probe\r\n\r\n");
        connection.request_sent();
    }
    void on_interim(const http::ResponseHead&) noexcept override {}
    void on_response_head(const http::ResponseHead& head) noexcept override
    {
        good_ = head.status < 500;
    }
    void on_response_body(std::string_view) noexcept override {}
    void on_response_end(const http::FieldList&) noexcept override { end(good_); }
    void on_sent_all() noexcept override {}
    void on_tunnel_bytes(std::string_view) noexcept override {}
    void on_tunnel_end() noexcept override {}
    void on_failure(Failure) noexcept override { end(false); }
    void set_now(MonoTime now) noexcept { now_ = now; }

  private:
    void end(bool good) noexcept
    {
        done_ = true;
        if (good ? upstream_->health.succeeded() : upstream_->health.failed(now_))
            log::warn("upstream {} is {}", upstream_->name, good ? "up" : "down");
    }
    std::shared_ptr<Upstream> upstream_;
    std::string path_;
    MonoTime now_{};
    bool good_ = false;
    bool done_ = false;
};

Directory::Directory(net::Loop& loop, const ClientLimits& limits)
    : loop_(loop), pool_(loop, limits),
      ticker_(std::make_unique<net::Timer>(loop, [this] { tick(); }))
{
    ticker_->start(kTick, kTick);
}

Directory::~Directory() = default;

void Directory::set(std::vector<Entry> entries, std::function<void()> ready)
{
    entries_ = std::move(entries);
    next_probe_.assign(entries_.size(), loop_.mono());
    next_look_up_ = loop_.mono() + kLookUpAgain;
    // Destroyed with the last look-up that holds it.
    const std::shared_ptr<std::function<void()>> all_done(
        new std::function<void()>(std::move(ready)), [](std::function<void()>* call) {
            if (*call) (*call)();
            delete call;
        });
    for (const Entry& entry : entries_)
        look_up(entry, all_done);
}

void Directory::look_up(const Entry& entry, const std::shared_ptr<std::function<void()>>& ready)
{
    if (const auto* local = std::get_if<config::UnixAddress>(&entry.url.address)) {
        if (auto address = net::Address::parse("unix:" + local->path))
            entry.upstream->set_addresses({*address});
        return;
    }
    const auto& tcp = std::get<config::TcpAddress>(entry.url.address);
    net::resolve(loop_, tcp.host, tcp.port,
                 [upstream = entry.upstream, ready](std::vector<net::Address> found) {
                     if (found.empty()) {
                         log::warn("upstream {}: its name has no address; keeping what was known",
                                   upstream->name);
                         return;
                     }
                     if (!same(found, upstream->addresses()))
                         upstream->set_addresses(std::move(found));
                 });
}

void Directory::tick()
{
    const MonoTime now = loop_.mono();
    pool_.tick(now);
    std::erase_if(probes_, [](const auto& probe) { return probe->done(); });
    for (const auto& probe : probes_)
        probe->set_now(now);
    if (now >= next_look_up_) {
        next_look_up_ = now + kLookUpAgain;
        for (const Entry& entry : entries_)
            look_up(entry, nullptr);
    }
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (entries_[i].health.path.empty() || now < next_probe_[i]) continue;
        next_probe_[i] = now + entries_[i].health.interval;
        probe(entries_[i]);
    }
}

void Directory::probe(const Entry& entry)
{
    auto probe = std::make_unique<Probe>(entry.upstream, entry.health.path);
    probe->set_now(loop_.mono());
    Probe& started = *probe;
    probes_.push_back(std::move(probe));
    started.start(pool_);
}

void Directory::close()
{
    ticker_.reset();
    pool_.close_all();
}
} // namespace tidemark::upstream
