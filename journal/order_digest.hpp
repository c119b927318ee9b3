#pragma once
#include "journal/journal.hpp"

// Whether two drafts with one idempotency key are the same order.
namespace tidemark::journal
{
// Of site and body. What a push reflects (as_of) is taken when it is sent, so a repetition may
// differ there and is the same order still.
[[nodiscard]] purge::Digest order_digest(const std::string& site, const purge::MessageBody& body);
} // namespace tidemark::journal
