#pragma once
#include "edge/worker/exchange.hpp"
#include "edge/worker/transport.hpp"

#include <functional>
#include <memory>
#include <string>

// A GET of the edge's own, for the store's sake: an exchange whose answer nobody reads. On one
// worker, which owns it.
namespace tidemark::worker
{
class Worker;

class BackgroundGet final : public Transport
{
  public:
    // `uri`: as keyed, without keyed extras. `done`: once, when the exchange is over; not when it
    // is destroyed before.
    BackgroundGet(Worker& worker, std::string uri, std::function<void()> done);
    ~BackgroundGet();
    BackgroundGet(const BackgroundGet&) = delete;
    BackgroundGet& operator=(const BackgroundGet&) = delete;

    void start(); // may be over before it returns

    void send_interim(std::uint16_t status, std::string_view lines) override;
    void send_reply(const Reply& reply) override;
    void body_ready() override;
    void want_request_body() override;
    void become_tunnel(const Reply& reply) override;
    void send_tunnel_bytes(std::string_view bytes) override;
    [[nodiscard]] bool tunnel_backed_up() const override;
    void end_tunnel() override;
    void abort() override;

  private:
    void pump();
    void finish();

    Worker& worker_;
    const std::string uri_;
    std::function<void()> done_;
    std::unique_ptr<Exchange> exchange_;
    bool replied_ = false;
    bool pumping_ = false;
};
} // namespace tidemark::worker
