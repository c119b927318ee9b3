#include "origin/control.hpp"

#include "certs/files.hpp"
#include "core/observe/log.hpp"
#include "purge/read_token.hpp"

#include <algorithm>
#include <random>

namespace tidemark::origin
{
namespace
{
constexpr Millis kKeyLife{12 * 3600 * 1000}; // an edge holds the newest and the one before

std::uint64_t drawn()
{
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

purge::FenceKey fresh_key()
{
    std::random_device device;
    purge::FenceKey key;
    key.id = device();
    for (std::uint8_t& byte : key.key)
        byte = static_cast<std::uint8_t>(device());
    return key;
}
} // namespace

Control::Control(net::Loop& loop, std::unique_ptr<journal::Journal> journal,
                 const journal::JournalStart& start, std::unique_ptr<ContentStore> contents,
                 const Settings& settings)
    : loop_(loop), journal_(std::move(journal)), base_(start.base),
      hub_(settings.hub, start, drawn(), {loop.mono(), net::Loop::boot_now(), loop.wall()}),
      links_(loop, hub_, *this), contents_(std::move(contents)),
      pushes_(loop, *contents_, settings.push, *this), key_file_(settings.key_file),
      longest_lease_(settings.hub.lease_max), rotation_(loop, [this] { rotate_key(); }),
      signing_(loop, [this] { sign_with_new_key(); })
{
    load_key(key_file_);
    hub_.set_fence_key(signing_key_, links_.now());
    rotation_.start(kKeyLife, kKeyLife);
}

Control::~Control() = default;

// An edge in its lease must be able to prove what we sign, so the key outlives a restart.
void Control::load_key(const std::string& path)
{
    if (const auto kept = certs::read_file(path)) {
        ByteReader from(*kept);
        signing_key_.id = from.u32();
        const ByteView key = from.take(signing_key_.key.size());
        if (from.ok() && from.left() == 0) {
            std::copy(key.begin(), key.end(), signing_key_.key.begin());
            return;
        }
    }
    signing_key_ = fresh_key();
    keep_key();
}

void Control::keep_key() const
{
    Bytes bytes;
    ByteWriter to(bytes);
    to.u32(signing_key_.id);
    for (const std::uint8_t byte : signing_key_.key)
        to.u8(byte);
    if (const auto kept = certs::write_file(key_file_, bytes, 0600); !kept)
        log::error("{}", kept.error());
}

// Linked edges get it now. Whoever holds a lease without it, cut off at this moment, has lost that
// lease before anything is signed with it.
void Control::rotate_key()
{
    new_key_ = fresh_key();
    hub_.set_fence_key(new_key_, links_.now());
    links_.perform();
    signing_.start(longest_lease_ * 2);
}

void Control::sign_with_new_key()
{
    signing_key_ = new_key_;
    keep_key();
}

void Control::close()
{
    rotation_.stop();
    signing_.stop();
    pushes_.close();
    links_.close();
    journal_->close();
}

// ---- What the admin API asks

void Control::submit(std::vector<journal::Draft> drafts, Submitted done)
{
    journal_->append(
        std::move(drafts),
        [this, done = std::move(done)](Result<journal::Appended, journal::AppendError> appended) {
            if (appended && !appended->records.empty()) {
                hub_.on_durable(appended->records, links_.now());
                links_.perform();
            }
            done(std::move(appended));
        });
}

void Control::search(journal::Query query, journal::Journal::SearchDone done)
{
    journal_->search(std::move(query), std::move(done));
}

purge::VersionReport Control::report(Version version, bool needs_ack) const
{
    return hub_.report(version, needs_ack, links_.now());
}

std::vector<purge::EdgeReport> Control::edges() const
{
    return hub_.edges(links_.now());
}

purge::EdgeRegistry::RemoveResult Control::remove_edge(std::string_view name, bool force)
{
    const auto result = hub_.remove_edge(name, force, links_.now());
    if (result == purge::EdgeRegistry::RemoveResult::removed) {
        log::info("edge \"{}\" is to be removed{}", name, force ? ", by force" : "");
        pushes_.on_removed(name);
    }
    links_.perform();
    return result;
}

std::string Control::read_token(Version version) const
{
    return purge::make_read_token(signing_key_, hub_.journal(), version);
}

// An origin stores no responses.
void Control::would_hit(const std::vector<journal::Draft>&, admin::WouldHitDone done)
{
    done({});
}

// ---- Pushes

std::unique_ptr<admin::Authority::Upload> Control::begin_upload()
{
    return pushes_.begin_upload();
}

void Control::offer(const purge::PushOffer& offer)
{
    hub_.offer(offer, links_.now());
    links_.perform();
}

void Control::withdraw(const purge::ContentDigest& digest)
{
    hub_.withdraw(digest);
}

std::vector<std::string> Control::connected_edges() const
{
    std::vector<std::string> names;
    for (const purge::EdgeReport& edge : edges())
        if (edge.connected) names.push_back(edge.name);
    return names;
}

void Control::append_push(journal::Draft draft, Submitted done)
{
    submit({std::move(draft)}, std::move(done));
}

void Control::read_content(const ReadContent& order)
{
    hub_.on_content(order.request,
                    pushes_.read_content(order.digest, order.offset, order.bytes_max),
                    links_.now());
}

void Control::on_staged(const Staged& staged)
{
    pushes_.on_staged(staged.edge, staged.digest);
}

// ---- What the hub asks

void Control::keep_edge(const KeepEdge& order)
{
    journal_->put_edge(order.edge,
                       [this, name = order.edge.name](Result<void, journal::AppendError> kept) {
                           if (kept) {
                               hub_.on_edge_kept(name, links_.now());
                           } else {
                               log::error("edge \"{}\" cannot be registered: the journal cannot "
                                          "be written",
                                          name);
                               hub_.on_edge_not_kept(name, links_.now());
                           }
                           links_.perform();
                       });
}

void Control::drop_edge(const DropEdge& order)
{
    journal_->drop_edge(order.name, [name = order.name](Result<void, journal::AppendError> gone) {
        if (!gone) log::error("edge \"{}\" has left, but the journal cannot be written", name);
    });
}

void Control::read_records(const ReadRecords& order)
{
    journal_->read(order.first, order.last, order.bytes_max,
                   [this, request = order.request](
                       Result<std::vector<purge::SharedRecord>, journal::AppendError> records) {
                       if (!records) log::error("the journal cannot be read");
                       hub_.on_records(request,
                                       records ? *records : std::vector<purge::SharedRecord>{},
                                       links_.now());
                       links_.perform();
                   });
}

void Control::mint_journal(const MintJournal& order)
{
    log::error("edge \"{}\" has heard of version {}, which this journal does not hold: it was "
               "restored, or lost its end; a new journal id begins",
               order.edge, order.above);
    journal_->mint(order.above,
                   [this](const Result<journal::JournalStart, journal::AppendError>& start) {
                       if (start) {
                           base_ = start->base;
                           hub_.on_new_journal(*start, links_.now());
                       } else {
                           log::error("the new journal id cannot be written");
                           hub_.on_mint_failed(links_.now());
                       }
                       links_.perform();
                   });
}

void Control::on_compacted(Version base, const purge::SharedRecord& snapshot,
                           const purge::Digest& state, const purge::Digest& root)
{
    base_ = base;
    hub_.on_compacted(base, snapshot, state, root);
    links_.perform();
}

void Control::on_progress()
{
    if (progress_) progress_();
}
} // namespace tidemark::origin
