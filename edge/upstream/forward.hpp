#pragma once
#include "core/http/message.hpp"

#include <span>
#include <string>
#include <string_view>

// The request as the upstream gets it: rebuilt from parsed values, never relayed (RFC 9110 §7.6,
// hardening rules 2, 5).
namespace tidemark::upstream
{
struct ForwardRequest {
    const http::RequestHead* request = nullptr;
    std::string_view method;    // the request's, or GET for a fetch that is to be stored
    std::string_view path;      // cache::forwarded_path
    std::string_view authority; // goes as Host
    std::string_view
        client_address; // for X-Forwarded-For and Forwarded; empty: a fetch of the edge's own
    std::string_view edge_name; // for Via and CDN-Loop
    http::BodyFraming framing;  // of the body that will follow
    bool expect_continue = false;
    std::string_view upgrade; // the protocol asked for, if the site allows it; else empty
    // A fetch for the cache leaves the client's own conditions and ranges out and may bring
    // validators of ours.
    bool for_cache = false;
    bool keep_range = false; // for_cache, but Range and If-Range go along
    std::string_view if_none_match;
    std::string_view if_modified_since;
    std::span<const std::string> strip_fields; // lower case
    std::string_view fence;                    // for a shield: serve::make_fence_field
};

// Request line, fields and the empty line.
void append_request_head(std::string& out, const ForwardRequest& forward);

// Fields that decide answers at some origins without being part of any cache key: X-Forwarded-Host,
// X-Original-URL, X-HTTP-Method-Override and their like. Never forwarded.
[[nodiscard]] bool is_unkeyed(std::string_view name) noexcept;

// Fields that end at this hop in either direction: hop-by-hop ones, and those that any Connection
// line names.
class HopByHop
{
  public:
    explicit HopByHop(const http::FieldList& fields) noexcept : fields_(fields) {}
    [[nodiscard]] bool covers(const http::Field& field) const;

  private:
    const http::FieldList& fields_;
};

// Does CDN-Loop name this edge? (RFC 8586)
[[nodiscard]] bool loops(const http::FieldList& fields, std::string_view edge_name);
} // namespace tidemark::upstream
