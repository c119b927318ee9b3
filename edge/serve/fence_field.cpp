#include "edge/serve/fence_field.hpp"

#include "core/base/text.hpp"

namespace tidemark::serve
{
namespace
{
// Neither a host nor a target has a line feed in it.
purge::Mac sign(const purge::FenceKey& key, std::string_view unsigned_value,
                const FencePlace& place)
{
    std::string text = place.kind == FenceKind::request ? "tidemark-fence request 1\n"
                                                        : "tidemark-fence answer 1\n";
    append_lower(text, place.host);
    text.append("\n").append(place.target).append("\n").append(unsigned_value);
    return purge::mac_of(key, text);
}
} // namespace

std::string make_fence_field(const purge::FenceKey& key, const FenceStamp& stamp,
                             const FencePlace& place)
{
    std::string value = std::to_string(stamp.version) + ";j=\"";
    purge::append_hex(value, stamp.journal);
    value.append("\";k=").append(std::to_string(key.id)).append(";m=\"");
    purge::append_hex(value, sign(key, value, place));
    return value.append("\"");
}

std::optional<FenceStamp> prove_fence_field(const purge::KeyRing& keys, std::string_view value,
                                            const FencePlace& place)
{
    if (value.size() > kFenceFieldBytesMax) return std::nullopt;
    std::string_view rest = value;
    const auto version = purge::take_number(rest);
    if (!version || !purge::take(rest, ";j=\"")) return std::nullopt;
    const auto journal = purge::take_hex(rest);
    if (!journal || !purge::take(rest, "\";k=")) return std::nullopt;
    const auto id = purge::take_number(rest);
    if (!id || *id > UINT32_MAX || !purge::take(rest, ";m=\"")) return std::nullopt;
    const std::string_view unsigned_value = value.substr(0, value.size() - rest.size());
    const auto mac = purge::take_mac(rest);
    const purge::FenceKey* key = keys.find(static_cast<std::uint32_t>(*id));
    if (!mac || rest != "\"" || key == nullptr) return std::nullopt;
    if (!purge::same_mac(*mac, sign(*key, unsigned_value, place))) return std::nullopt;
    return FenceStamp{*journal, *version};
}
} // namespace tidemark::serve
