#pragma once
#include "tests/support/edge_process.hpp"
#include "tests/support/fake_origin.hpp"
#include "tests/support/raw_client.hpp"

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// An origin, the real edge in front of it, and words for what a client sees.
namespace tidemark::e2e
{
using namespace tidemark::support;

inline const Fields kFresh{{"Cache-Control", "max-age=600"}};
inline const Fields kNoStore{{"Cache-Control", "no-store"}};

class Stand
{
  public:
    explicit Stand(const std::vector<std::string>& flags = {}, Family family = Family::ipv4);
    // From a TOML text, in which ORIGIN stands for the origin's URL.
    [[nodiscard]] static std::unique_ptr<Stand> with_config(std::string toml);
    ~Stand(); // fails the test if the origin was sent anything that is no HTTP

    // Each on a connection of its own; some are asked only for what they leave behind.
    Message get(std::string_view target, const Fields& fields = {}) const;
    Message ask(std::string_view method, std::string_view target, const Fields& fields = {},
                std::string_view body = {}) const;
    [[nodiscard]] RawClient client() const { return RawClient(edge().at()); }
    // Rewrites the file of with_config().
    void write_config(std::string toml) const;

    [[nodiscard]] EdgeProcess& edge() const { return *edge_; }

    TempDir dir;
    FakeOrigin origin;

  private:
    struct FromConfig {
    };
    Stand(FromConfig, std::string toml);
    std::unique_ptr<EdgeProcess> edge_;
};

// RFC 9211, of the edge's own member: "hit", or the reason it went to the upstream ("uri-miss",
// "stale" …).
[[nodiscard]] bool is_hit(const Message& answer);
[[nodiscard]] std::string forwarded_for(const Message& answer); // "" if it was not
[[nodiscard]] bool one_of(int status, std::initializer_list<int> statuses);
} // namespace tidemark::e2e
