#pragma once
#include "purge/message.hpp"

#include <rapidcheck.h>

// Messages for tests: plain ones, and any that may be written down.
namespace tidemark::purge
{
inline constexpr JournalId kJournal = 0x7469646D61726B31;

inline Message purge_of(Version version, std::vector<Order> orders)
{
    Message message;
    message.version = version;
    message.journal = kJournal;
    message.issued_at = WallTime{Millis{1'700'000'000'000 + static_cast<std::int64_t>(version)}};
    message.site = "*";
    message.body = Invalidate{std::move(orders), false};
    return message;
}
inline Message purge_of_url(Version version, std::string url = "http://h/a")
{
    return purge_of(version, {{Scope::url, OrderMode::hard, Seconds{0}, std::move(url)}});
}
inline Bytes record_of(const Message& message)
{
    Bytes bytes;
    encode_message(message, bytes);
    return bytes;
}

inline rc::Gen<std::string> any_text(std::size_t min, std::size_t max)
{
    return rc::gen::mapcat(rc::gen::inRange(min, max + 1), [](std::size_t size) {
        return rc::gen::container<std::string>(size, rc::gen::arbitrary<char>());
    });
}
inline rc::Gen<Order> any_order()
{
    return rc::gen::exec([] {
        Order order;
        order.scope = static_cast<Scope>(*rc::gen::inRange(1, 8));
        order.mode = static_cast<OrderMode>(*rc::gen::inRange(1, 4));
        if (order.mode != OrderMode::hard) order.max_stale = Seconds{*rc::gen::inRange(0, 100000)};
        if (order.scope != Scope::all) order.selector = *any_text(1, 40);
        return order;
    });
}
inline rc::Gen<MessageBody> any_body(Version version)
{
    return rc::gen::exec([version]() -> MessageBody {
        const Version before = *rc::gen::inRange<Version>(0, version);
        switch (*rc::gen::inRange(0, 6)) {
        case 0: {
            Push push{*any_text(1, 40), {}, *rc::gen::arbitrary<std::uint64_t>(), before};
            for (std::uint8_t& byte : push.digest)
                byte = *rc::gen::arbitrary<std::uint8_t>();
            return push;
        }
        case 1:
            return Floor{before + 1};
        case 2:
            if (before > 0) return Undo{before};
            return Floor{0};
        default:
            return Invalidate{
                *rc::gen::nonEmpty(rc::gen::container<std::vector<Order>>(any_order())),
                *rc::gen::arbitrary<bool>()};
        }
    });
}
inline rc::Gen<Message> any_message()
{
    return rc::gen::exec([] {
        Message message;
        message.version = *rc::gen::inRange<Version>(1, Version{1} << 62);
        message.journal = *rc::gen::nonZero<JournalId>();
        message.issued_at = WallTime{Millis{*rc::gen::nonNegative<std::int64_t>()}};
        message.site = *any_text(1, 12);
        message.key = *any_text(0, 12);
        message.actor = *any_text(0, 12);
        message.note = *any_text(0, 12);
        message.body = *any_body(message.version);
        return message;
    });
}
} // namespace tidemark::purge
