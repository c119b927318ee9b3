#include "edge/worker/background_get.hpp"

#include "edge/cache/uri.hpp"
#include "edge/worker/request_for.hpp"
#include "edge/worker/worker.hpp"

#include <utility>

namespace tidemark::worker
{
namespace
{
constexpr std::uint64_t kPullBytes = 256 * 1024;
} // namespace

BackgroundGet::BackgroundGet(Worker& worker, std::string uri, std::function<void()> done)
    : worker_(worker), uri_(std::move(uri)), done_(std::move(done))
{
}

BackgroundGet::~BackgroundGet() = default;

void BackgroundGet::start()
{
    const auto request = request_for(uri_);
    if (!request) return finish();
    exchange_ = std::make_unique<Exchange>(worker_, *this, *request, std::string());
    exchange_->start();
    if (exchange_) exchange_->on_request_end();
}

void BackgroundGet::send_reply(const Reply& reply)
{
    if (!reply.has_body) return finish();
    replied_ = true;
    pump();
}

void BackgroundGet::body_ready()
{
    if (replied_) pump();
}

// What is not stored is read all the same, at the upstream's pace, and dropped.
void BackgroundGet::pump()
{
    if (pumping_ || !exchange_) return;
    pumping_ = true;
    Pull pulled = Pull::more;
    while (pulled == Pull::more) {
        Output out;
        pulled = exchange_->pull(out, kPullBytes);
    }
    pumping_ = false;
    if (pulled != Pull::wait) finish();
}

void BackgroundGet::finish()
{
    if (exchange_) worker_.bury(std::move(exchange_));
    if (done_) std::exchange(done_, nullptr)();
    worker_.finished(*this);
}

void BackgroundGet::abort()
{
    finish();
}

// None of these comes for a GET without a body that asks for no upgrade.
void BackgroundGet::send_interim(std::uint16_t, std::string_view) {}
void BackgroundGet::want_request_body() {}
void BackgroundGet::send_tunnel_bytes(std::string_view) {}
void BackgroundGet::end_tunnel() {}

void BackgroundGet::become_tunnel(const Reply&)
{
    finish();
}

bool BackgroundGet::tunnel_backed_up() const
{
    return false;
}
} // namespace tidemark::worker
