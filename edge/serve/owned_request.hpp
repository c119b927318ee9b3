#pragma once
#include "core/http/message.hpp"

#include <string>

namespace tidemark::serve
{
// A request head that owns its bytes: what an exchange keeps once the bytes it was read from are
// gone. Fields that Connection names are left out (RFC 9110 §7.6.1): neither keyed nor forwarded.
class OwnedRequest
{
  public:
    explicit OwnedRequest(const http::RequestHead& head);
    OwnedRequest(const OwnedRequest& other) : OwnedRequest(other.head_) {}
    OwnedRequest& operator=(const OwnedRequest&) = delete;
    [[nodiscard]] const http::RequestHead& head() const noexcept { return head_; }
    [[nodiscard]] const http::RequestHead* operator->() const noexcept { return &head_; }

  private:
    std::string bytes_; // reserved once: views into it stay
    http::RequestHead head_;
};
} // namespace tidemark::serve
