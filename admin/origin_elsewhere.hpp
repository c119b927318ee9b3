#pragma once
#include "admin/pages.hpp"

#include <string>

// The endpoint of an edge that follows an origin: its pages, and for everything that makes versions
// 409 with the origin's address.
namespace tidemark::admin
{
class OriginElsewhere final : public Handler
{
  public:
    // `origin`: as the edge was told, for people.
    OriginElsewhere(Pages pages, std::string origin)
        : pages_(std::move(pages)), origin_(std::move(origin))
    {
    }
    std::unique_ptr<BodySink> on_head(const Request& request, const Responder& responder) override;
    void handle(Request request, Responder responder) override;

  private:
    [[nodiscard]] Response elsewhere() const;
    Pages pages_;
    std::string origin_;
};
} // namespace tidemark::admin
