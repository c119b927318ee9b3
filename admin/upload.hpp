#pragma once
#include "admin/authority.hpp"
#include "admin/http_server.hpp"
#include "admin/query.hpp"

#include <functional>
#include <memory>
#include <string>

// PUT /v1/content?url=…: a body on its way into an Authority::Upload.
namespace tidemark::admin
{
// The response head that the request's fields ask for: "Name: value\r\n" lines of Content-*,
// Cache-Control, ETag and their like, and "Tidemark-Header-NAME" as NAME.
[[nodiscard]] std::string content_head_of(const Request& request);

struct ContentOrder {
    std::string uri;
    std::optional<Version> as_of;
    journal::Draft draft; // its body is a push of that URI
};
// Of the parameters url, as_of, key, note and site.
[[nodiscard]] Result<ContentOrder, Problem> content_order_of(const Parameters& parameters);

// Writes the body and commits. `done` comes at most once, and not if the client goes before the
// body's end. Answers by itself when the disk refuses a piece.
[[nodiscard]] std::unique_ptr<BodySink> upload_sink(std::unique_ptr<Authority::Upload> upload,
                                                    ContentOrder order, std::string head,
                                                    Responder responder, Authority::Submitted done);
} // namespace tidemark::admin
