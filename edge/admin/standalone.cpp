#include "edge/admin/standalone.hpp"

#include "core/base/check.hpp"
#include "core/observe/log.hpp"
#include "edge/follow/applied.hpp"
#include "purge/read_token.hpp"

#include <algorithm>
#include <random>

namespace tidemark::admin
{
namespace
{
constexpr std::size_t kReplayBytes = 1 << 20;
constexpr std::size_t kTimesKept = 4096;
} // namespace

Standalone::Standalone(net::Loop& loop, Parts parts, std::unique_ptr<journal::Journal> journal,
                       journal::JournalStart start)
    : loop_(loop), parts_(std::move(parts)), journal_(std::move(journal)), id_(start.id),
      durable_(start.durable), base_(start.base), tree_(std::move(start.tree)),
      replay_to_(tree_.last())
{
    draw_key();
    load_snapshot(start.snapshot);
    applied_ = base_;
    parts_.state.hear(mark());
    replaying_ = true;
    replay(base_ + 1);
}
Standalone::~Standalone() = default;

// Of read tokens: they are good until this process ends.
void Standalone::draw_key()
{
    std::random_device device;
    key_.id = device();
    for (std::uint8_t& byte : key_.key)
        byte = static_cast<std::uint8_t>(device());
    parts_.standing.add_key(key_);
}

void Standalone::close()
{
    alive_.reset();
    after_replay_.clear();
    if (journal_) journal_->close();
}

// ---- what the journal held

void Standalone::load_snapshot(const purge::SharedRecord& snapshot)
{
    if (!snapshot) return;
    const auto state = purge::decode_snapshot(*snapshot);
    TIDEMARK_CHECK(state.has_value()); // the journal has checked it
    const auto all = follow::invalidations_of(*state, *parts_.sites);
    if (!all.empty()) parts_.state.apply(all, loop_.mono());
    if (state->floor() != 0) parts_.state.raise_floor({state->floor(), 0});
}

void Standalone::replay(Version from)
{
    if (from > replay_to_) return finish_replay();
    journal_->read(from, replay_to_, kReplayBytes,
                   [this, alive = std::weak_ptr(alive_), from](auto records) {
                       if (alive.expired()) return;
                       if (records && !records->empty()) {
                           replayed(*records);
                           return replay(applied_ + 1);
                       }
                       // Without them nothing that was stored before them can be trusted.
                       log::error("the journal cannot be read from version {} on; everything "
                                  "stored must be validated",
                                  from);
                       parts_.state.raise_floor({replay_to_, 0});
                       finish_replay();
                   });
}

void Standalone::replayed(const std::vector<purge::SharedRecord>& records)
{
    for (const purge::SharedRecord& record : records) {
        ByteView bytes = *record;
        const auto message = purge::decode_message(bytes);
        TIDEMARK_CHECK(message.has_value());
        apply(*message);
    }
}

void Standalone::finish_replay()
{
    replaying_ = false;
    applied_ = std::max(applied_, replay_to_);
    parts_.standing.set_applied(id_, applied_);
    std::vector<std::function<void()>> waiting;
    waiting.swap(after_replay_);
    for (const auto& call : waiting)
        call();
    parts_.owner.on_progress();
}

// ---- what comes

void Standalone::submit(std::vector<journal::Draft> drafts, Submitted done)
{
    journal_->append(std::move(drafts), [this, alive = std::weak_ptr(alive_),
                                         done = std::move(done)](auto appended) {
        if (alive.expired()) return;
        if (!replaying_) return submitted(std::move(appended), done);
        after_replay_.push_back([this, appended, done] { submitted(appended, done); });
    });
}

void Standalone::submitted(Result<journal::Appended, journal::AppendError> appended,
                           const Submitted& done)
{
    if (!appended) return done(fail(appended.error()));
    std::vector<purge::Message> messages;
    for (const journal::DurableRecord& record : appended->records)
        messages.push_back(*record.message);
    if (!messages.empty()) parts_.owner.before_apply(messages);
    for (const journal::DurableRecord& record : appended->records) {
        tree_.append(record.version, purge::digest_of(*record.record));
        apply(*record.message);
        perform(*record.message);
        applied_at_.emplace(record.version, loop_.wall());
        if (applied_at_.size() > kTimesKept) applied_at_.erase(applied_at_.begin());
    }
    parts_.standing.set_applied(id_, applied_);
    parts_.owner.on_applied(applied_);
    done(std::move(appended));
    parts_.owner.on_progress();
}

void Standalone::perform(const purge::Message& message)
{
    if (std::holds_alternative<purge::Push>(message.body)) return parts_.owner.on_push(message);
    const auto* purge = std::get_if<purge::Invalidate>(&message.body);
    if (purge == nullptr) return;
    if (purge->erase) begin_erasing(message.version);
    if (std::ranges::any_of(purge->orders, [](const purge::Order& one) {
            return one.mode == purge::OrderMode::refresh;
        }))
        parts_.owner.on_refresh(message);
}

void Standalone::apply(const purge::Message& message)
{
    const auto invalidations = follow::invalidations_of(message, *parts_.sites);
    if (!invalidations.empty()) parts_.state.apply(invalidations, loop_.mono());
    if (const auto* undo = std::get_if<purge::Undo>(&message.body))
        static_cast<void>(parts_.state.undo(undo->undone, loop_.mono()));
    if (const auto* floor = std::get_if<purge::Floor>(&message.body))
        parts_.state.raise_floor({floor->floor, 0});
    parts_.state.hear(message.version);
    applied_ = std::max(applied_, message.version);
}

void Standalone::begin_erasing(Version version)
{
    erasing_.insert(version);
    parts_.owner.erase(version, [this, alive = std::weak_ptr(alive_), version] {
        if (alive.expired()) return;
        erasing_.erase(version);
        parts_.owner.on_progress();
    });
}

void Standalone::search(journal::Query query, journal::Journal::SearchDone done)
{
    journal_->search(std::move(query), std::move(done));
}

// ---- what is known

purge::VersionReport Standalone::report(Version version, bool needs_ack) const
{
    purge::EdgeOnVersion here;
    here.name = parts_.name;
    const bool erasing = needs_ack && !erasing_.empty() && *erasing_.begin() <= version;
    if (version <= applied_ && !erasing) here.clean = purge::CleanBy::ack;
    if (const auto at = applied_at_.find(version); at != applied_at_.end())
        here.applied_at = at->second;
    return {version, {here}};
}

std::vector<purge::EdgeReport> Standalone::edges() const
{
    purge::EdgeReport here;
    here.name = parts_.name;
    here.connected = true;
    here.contiguous = applied_;
    here.heard = mark();
    return {here};
}

purge::EdgeRegistry::RemoveResult Standalone::remove_edge(std::string_view, bool)
{
    return purge::EdgeRegistry::RemoveResult::unknown; // it cannot remove itself
}

std::string Standalone::read_token(Version version) const
{
    return purge::make_read_token(key_, id_, version);
}

void Standalone::would_hit(const std::vector<journal::Draft>& drafts, WouldHitDone done)
{
    parts_.owner.would_hit(drafts, std::move(done));
}

std::unique_ptr<Authority::Upload> Standalone::begin_upload()
{
    return parts_.owner.begin_upload();
}
} // namespace tidemark::admin
