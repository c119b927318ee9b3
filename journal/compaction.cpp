#include "journal/compaction.hpp"

namespace tidemark::journal
{
void Compaction::add(const purge::Message& message, const std::set<Version>& undone)
{
    if (undone.contains(message.version))
        reach(message.version);
    else
        state_.apply(message);
}

void Compaction::reach(Version version)
{
    // Lifts through() and nothing else.
    purge::Message nothing;
    nothing.version = version;
    nothing.body = purge::Floor{0};
    state_.apply(nothing);
}

purge::SharedRecord Compaction::snapshot() const
{
    auto bytes = std::make_shared<Bytes>();
    purge::encode_snapshot(state_, *bytes);
    return bytes;
}

std::optional<Version> undone_by(const purge::MessageBody& body)
{
    const auto* undo = std::get_if<purge::Undo>(&body);
    return undo == nullptr ? std::nullopt : std::optional(undo->undone);
}
} // namespace tidemark::journal
