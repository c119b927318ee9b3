#pragma once
#include "admin/dry_run.hpp"

#include <string>

// The endpoint of an edge that follows an origin: its pages, and for everything that makes versions
// 409 with the origin's address. A dry run makes none: this edge answers what it would hit here.
namespace tidemark::admin
{
class OriginElsewhere final : public Handler
{
  public:
    // `origin`: as the edge was told, for people.
    OriginElsewhere(Pages pages, std::string origin, AskWouldHit would_hit)
        : pages_(std::move(pages)), origin_(std::move(origin)), would_hit_(std::move(would_hit))
    {
    }
    std::unique_ptr<BodySink> on_head(const Request& request, const Responder& responder) override;
    void handle(Request request, Responder responder) override;

  private:
    [[nodiscard]] Response elsewhere() const;
    void purge(const Request& request, const Responder& responder) const;
    Pages pages_;
    std::string origin_;
    AskWouldHit would_hit_;
};
} // namespace tidemark::admin
