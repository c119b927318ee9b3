#pragma once
#include "admin/http_server.hpp"
#include "admin/tokens.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

// What a daemon shows of itself beside the API: /healthz, /metrics, /v1/status …
namespace tidemark::admin
{
struct Page {
    std::string path;
    std::function<Response(const Request&)> show; // GET and HEAD
    bool open = false;                            // to everybody: without it, scope read
};

class Pages
{
  public:
    Pages(std::vector<Page> pages, Tokens tokens)
        : pages_(std::move(pages)), tokens_(std::move(tokens))
    {
    }
    [[nodiscard]] const Page* find(std::string_view path) const;
    [[nodiscard]] Response show(const Page& page, const Request& request) const;
    [[nodiscard]] Result<Grant, Problem> admit(const Request& request) const;
    // The same with `scope`.
    [[nodiscard]] Result<Grant, Problem> admit(const Request& request, TokenScope scope) const;
    // 404, naming the pages and `further`.
    [[nodiscard]] Response not_found(std::string_view further) const;

  private:
    std::vector<Page> pages_;
    Tokens tokens_;
};

// 405 with Allow.
[[nodiscard]] Response method_not_allowed(std::string allowed);
// With WWW-Authenticate where it is a 401.
[[nodiscard]] Response refusal(const Problem& problem);
[[nodiscard]] constexpr bool reads(http::Method method) noexcept
{
    return method == http::Method::get || method == http::Method::head;
}
} // namespace tidemark::admin
