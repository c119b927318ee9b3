#pragma once
#include "core/net/listener.hpp"
#include "core/net/loop.hpp"
#include "edge/admin/admin_api.hpp"

#include <memory>
#include <unordered_map>

// The admin endpoint's HTTP/1.1 server, on the control thread's loop.
namespace tidemark::admin
{
inline constexpr std::size_t kBodyBytesMax = 4 << 20;
inline constexpr std::size_t kConnectionsMax = 256;

class AdminConnection;

class AdminServer
{
  public:
    AdminServer(net::Loop& loop, net::ListenSocket socket, const View& view);
    ~AdminServer(); // on the loop's thread; its handles close in the loop's next turns
    AdminServer(const AdminServer&) = delete;
    AdminServer& operator=(const AdminServer&) = delete;

    void close(); // stops listening, closes every connection

  private:
    friend class AdminConnection;
    void open(uv_stream_t* server, bool is_unix);
    void tick();

    net::Loop& loop_;
    const View& view_;
    std::unique_ptr<net::Listener> listener_;
    std::unique_ptr<net::Timer> ticker_;
    std::unordered_map<AdminConnection*, std::unique_ptr<AdminConnection>> connections_;
};
} // namespace tidemark::admin
