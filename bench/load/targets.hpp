#pragma once
#include "bench/load/zipf.hpp"
#include "core/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::bench
{
// http://HOST[:PORT][/PATH]; userinfo and fragment are refused, a path keeps its query.
struct Url {
    std::string host; // without brackets
    std::string port;
    std::string authority; // as written: the Host field
    std::string path;
};
[[nodiscard]] Result<Url, std::string> parse_url(std::string_view text);

// Ranks 1..count take the place of {} in a URL.
struct Popularity {
    std::uint64_t count = 0;
    double alpha = 0;
};
// "N,ALPHA", as in 100000,0.9.
[[nodiscard]] Result<Popularity, std::string> parse_popularity(std::string_view text);

// What is asked for: either the given URLs in turn, or one template with {} drawn by popularity.
// Requests are kept as bytes ready to send.
class Targets
{
  public:
    // `fields` are whole lines "Name: value"; a Host among them replaces the URL's.
    // Errors: no URL, a URL or field that is none, URLs that lie on several servers unless
    // `one_server` is false (then the caller connects elsewhere), a template without exactly one {}
    // in its path.
    [[nodiscard]] static Result<Targets, std::string> make(const std::vector<std::string>& urls,
                                                           const std::vector<std::string>& fields,
                                                           std::optional<Popularity> popularity,
                                                           bool one_server);

    [[nodiscard]] const Url& first() const noexcept { return first_; }
    // Appends one request; `number` is its place in the whole run.
    void append_request(std::string& out, std::uint64_t number, Random& random) const;

  private:
    struct Template {
        std::string before;
        std::string after;
        Zipf zipf;
    };
    Url first_;
    std::vector<std::string> requests_;
    std::optional<Template> template_;
};
} // namespace tidemark::bench
