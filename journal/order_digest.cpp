#include "journal/order_digest.hpp"

namespace tidemark::journal
{
purge::Digest order_digest(const std::string& site, const purge::MessageBody& body)
{
    purge::Message order;
    order.version = purge::kVersionMax;
    order.journal = 1;
    order.site = site;
    order.body = body;
    if (auto* push = std::get_if<purge::Push>(&order.body)) push->as_of = 0;
    if (purge::fault_of(order)) return {};
    Bytes bytes;
    purge::encode_message(order, bytes);
    return purge::digest_of(bytes);
}
} // namespace tidemark::journal
