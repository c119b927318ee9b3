#include "journal/sqlite_store.hpp"

#include "journal/order_digest.hpp"

#include <algorithm>
#include <random>
#include <unordered_map>

namespace tidemark::journal
{
namespace
{
constexpr std::int64_t kApplicationId = 0x5449444D; // "TIDM"
constexpr std::int64_t kFormat = 1;
constexpr std::size_t kTidySlice = 2048;
constexpr std::size_t kMintSlice = 8192;

constexpr const char* kSettings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                  "PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -32768;"
                                  "PRAGMA journal_size_limit = 67108864";
constexpr const char* kTables =
    "CREATE TABLE meta (one INTEGER PRIMARY KEY CHECK (one = 1), id INTEGER NOT NULL,"
    " previous INTEGER NOT NULL, base INTEGER NOT NULL, root BLOB NOT NULL, snapshot BLOB);"
    "CREATE TABLE records (version INTEGER PRIMARY KEY, record BLOB NOT NULL);"
    "CREATE TABLE keys (key TEXT PRIMARY KEY, version INTEGER NOT NULL, digest BLOB NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE edges (name TEXT PRIMARY KEY, instance INTEGER NOT NULL,"
    " lease INTEGER NOT NULL, adrift INTEGER NOT NULL, only_acks INTEGER NOT NULL) WITHOUT ROWID";

Bytes bytes_of(const purge::Digest& digest)
{
    Bytes bytes;
    ByteWriter to{bytes};
    to.u64(digest.high);
    to.u64(digest.low);
    return bytes;
}
purge::Digest digest_from(ByteView bytes)
{
    ByteReader from{bytes};
    const std::uint64_t high = from.u64();
    return {high, from.u64()};
}

purge::Message message_of(Draft&& draft, WallTime issued_at, Version version, JournalId id)
{
    purge::Message message;
    message.version = version;
    message.journal = id;
    message.issued_at = issued_at;
    message.site = std::move(draft.site);
    message.key = std::move(draft.key);
    message.actor = std::move(draft.actor);
    message.note = std::move(draft.note);
    message.body = std::move(draft.body);
    return message;
}
} // namespace

std::string database_path(const std::string& directory)
{
    return directory + "/journal.db";
}

JournalId draw_journal_id()
{
    std::random_device device;
    JournalId id = 0;
    while (id == 0)
        id = JournalId{device()} << 32 | device();
    return id;
}

// ---- opening

Result<std::unique_ptr<SqliteStore>, std::string> SqliteStore::open(const std::string& directory)
{
    std::unique_ptr<SqliteStore> store(new SqliteStore);
    auto opened = store->open_files(directory);
    bool fresh = false;
    if (opened) opened = store->check_format(fresh);
    if (opened && fresh) opened = store->create_tables({{draw_journal_id(), 0, 0, {}}, {}, {}});
    if (opened) opened = store->load();
    if (opened) opened = store->compare_mark();
    if (!opened) return fail(opened.error());
    return store;
}

Result<std::unique_ptr<SqliteStore>, std::string> SqliteStore::create(const std::string& directory,
                                                                      const Seed& seed)
{
    std::unique_ptr<SqliteStore> store(new SqliteStore);
    auto opened = store->open_files(directory);
    bool fresh = false;
    if (opened) opened = store->check_format(fresh);
    if (opened && !fresh) return fail(directory + " holds a journal already");
    if (opened) opened = store->create_tables(seed);
    if (opened) opened = store->load();
    if (!opened) return fail(opened.error());
    return store;
}

Result<void, std::string> SqliteStore::open_files(const std::string& directory)
{
    directory_ = directory;
    auto lock = DirectoryLock::take(directory);
    if (!lock) return fail(lock.error());
    lock_ = std::move(*lock);
    auto mark = MarkFile::open(directory + "/mark");
    if (!mark) return fail(mark.error());
    mark_file_ = std::move(*mark);
    auto database = Database::open(database_path(directory), Database::Access::write);
    if (!database) return fail(database_path(directory) + ": " + database.error().text);
    database_ = std::move(*database);
    return {};
}

Result<void, std::string> SqliteStore::check_format(bool& fresh)
{
    const std::string path = database_path(directory_);
    const auto application = database_.number("PRAGMA application_id");
    const auto tables = database_.number("SELECT count(*) FROM sqlite_master");
    if (!application || !tables) {
        const DbError& error = application ? tables.error() : application.error();
        if (error.fault == DbFault::not_a_database) return fail(path + " is not a database");
        return fail(path + ": " + error.text);
    }
    fresh = *application == 0 && *tables == 0;
    if (!fresh && *application != kApplicationId)
        return fail(path + " is another program's database");
    const auto format = database_.number("PRAGMA user_version");
    if (!format) return fail(path + ": " + format.error().text);
    if (!fresh && *format != kFormat)
        return fail(path + " has format " + std::to_string(*format) + ", this program knows " +
                    std::to_string(kFormat));
    if (auto set = database_.run(kSettings); !set) return fail(path + ": " + set.error().text);
    return {};
}

Result<void, std::string> SqliteStore::create_tables(const Seed& seed)
{
    const auto failed = [&] { return database_path(directory_) + ": " + database_.error().text; };
    const auto made = in_transaction([&] {
        const std::string format = "PRAGMA application_id = " + std::to_string(kApplicationId) +
                                   "; PRAGMA user_version = " + std::to_string(kFormat);
        return database_.run(kTables) && database_.run(format.c_str()) &&
               write_head(seed.head, seed.snapshot);
    });
    if (!made) return fail(failed());
    for (const purge::RegisteredEdge& edge : seed.edges)
        if (!put_edge(edge)) return fail(failed());
    edges_.clear();
    return {};
}

Result<void, std::string> SqliteStore::prepare()
{
    const auto make = [&](Statement& into, const char* sql) {
        auto statement = Statement::prepare(database_, sql);
        if (statement) into = std::move(*statement);
        return statement.has_value();
    };
    if (!make(insert_record_, "INSERT INTO records (version, record) VALUES (?, ?)") ||
        !make(insert_key_, "INSERT OR REPLACE INTO keys (key, version, digest) VALUES (?, ?, ?)") ||
        !make(find_key_, "SELECT version, digest FROM keys WHERE key = ?"))
        return fail(database_path(directory_) + ": " + database_.error().text);
    return {};
}

Result<void, std::string> SqliteStore::load()
{
    if (auto prepared = prepare(); !prepared) return prepared;
    if (auto head = load_head(); !head) return head;
    if (auto edges = load_edges(); !edges) return edges;
    auto scan = scan_records(database_, head_);
    if (!scan) return fail(database_path(directory_) + ": " + scan.error());
    tree_ = std::move(scan->tree);
    undone_ = std::move(scan->undone);
    mark_ = tree_->last();
    return scan->damaged_tail ? cut_tail(*scan->damaged_tail) : Result<void, std::string>{};
}

Result<void, std::string> SqliteStore::load_head()
{
    const std::string path = database_path(directory_);
    auto row = Statement::prepare(database_, "SELECT id, previous, base, root, snapshot FROM meta");
    if (!row || row->step() != Statement::Step::row)
        return fail(path + ": the head cannot be read: " + database_.error().text);
    head_ = {row->number(0), row->number(1), row->number(2), digest_from(row->bytes(3))};
    const ByteView snapshot = row->bytes(4);
    if (head_.id == 0 || (snapshot.empty() && head_.base != 0))
        return fail(path + ": the head is damaged");
    if (snapshot.empty()) return {};
    auto state = purge::decode_snapshot(snapshot);
    if (!state)
        return fail(path + ": the snapshot of all up to version " + std::to_string(head_.base) +
                    " is damaged");
    state_ = std::move(*state);
    return {};
}

Result<void, std::string> SqliteStore::load_edges()
{
    auto rows = Statement::prepare(
        database_, "SELECT name, instance, lease, adrift, only_acks FROM edges ORDER BY name");
    Statement::Step step = rows ? rows->step() : Statement::Step::failed;
    for (; step == Statement::Step::row; step = rows->step()) {
        purge::RegisteredEdge edge;
        edge.name = rows->bytes(0);
        edge.instance = rows->number(1);
        edge.lease = Millis{static_cast<std::int64_t>(rows->number(2))};
        edge.adrift = static_cast<purge::Adrift>(rows->number(3));
        edge.only_acks_count = rows->number(4) != 0;
        edges_.push_back(std::move(edge));
    }
    if (step == Statement::Step::failed)
        return fail(database_path(directory_) +
                    ": the registered edges cannot be read: " + database_.error().text);
    return {};
}

Result<void, std::string> SqliteStore::cut_tail(Version from)
{
    const std::string above = std::to_string(from);
    const std::string sql = "DELETE FROM records WHERE version >= " + above +
                            "; DELETE FROM keys WHERE version >= " + above;
    if (!in_transaction([&] { return database_.run(sql.c_str()).has_value(); }))
        return fail(database_path(directory_) + ": the damaged end, from version " + above +
                    " on, cannot be cut: " + database_.error().text);
    remarks_.push_back("the journal's end was damaged from version " + above +
                       " on; it goes on after version " + std::to_string(from - 1));
    return {};
}

// Versions that were acknowledged and are gone would be given away a second time: edges that heard
// of them could not tell. Another id tells them.
Result<void, std::string> SqliteStore::compare_mark()
{
    const auto known = mark_file_.read();
    const bool other = known && known->id != head_.id &&
                       !(known->id == head_.previous && known->version <= head_.base);
    if (!known || (!other && (known->id != head_.id || known->version <= mark_))) {
        set_mark(mark_);
        return {};
    }
    const JournalId before = head_.id;
    const Version last = mark_;
    auto minted = mint(known->version);
    if (!minted)
        return fail(database_path(directory_) +
                    " has lost versions, and a new journal id cannot "
                    "be written: " +
                    database_.error().text);
    tree_ = std::move(minted->tree);
    remarks_.push_back("the journal ended at version " + std::to_string(last) +
                       (other ? " of another id" : "") + ", but version " +
                       std::to_string(known->version) +
                       " was acknowledged: part of it was lost or an older copy put back. Its id "
                       "changes from " +
                       std::to_string(before) + " to " + std::to_string(head_.id));
    return {};
}

JournalStart SqliteStore::start_of(purge::DigestTree tree) const
{
    JournalStart start;
    start.id = head_.id;
    start.durable = true;
    start.base = head_.base;
    start.tree = std::move(tree);
    if (head_.base > 0) start.snapshot = Compaction(state_).snapshot();
    start.snapshot_state = state_.digest();
    start.root_at_base = head_.root_at_base;
    start.edges = edges_;
    return start;
}

JournalStart SqliteStore::take_start()
{
    JournalStart start = start_of(std::move(*tree_));
    tree_.reset();
    start.remarks = std::move(remarks_);
    return start;
}

// ---- writing

AppendError SqliteStore::error() const
{
    return database_.error().fault == DbFault::no_space ? AppendError::no_space : AppendError::io;
}

template <class Work> Result<void, AppendError> SqliteStore::in_transaction(Work&& work)
{
    if (!database_.run("BEGIN IMMEDIATE")) return fail(error());
    if (work() && database_.run("COMMIT")) return {};
    const AppendError why = error();
    if (database_.in_transaction()) static_cast<void>(database_.run("ROLLBACK"));
    return fail(why);
}

void SqliteStore::set_mark(Version mark)
{
    mark_ = mark;
    mark_file_.write({head_.id, mark});
}

Result<std::optional<Version>, AppendError> SqliteStore::version_of_key(const Draft& draft)
{
    const StatementUse use(find_key_);
    const Statement::Step step = find_key_.bind_text(1, draft.key).step();
    if (step == Statement::Step::failed) return fail(error());
    if (step == Statement::Step::done) return std::nullopt;
    if (digest_from(find_key_.bytes(1)) != order_digest(draft.site, draft.body))
        return fail(AppendError::key_used);
    return find_key_.number(0);
}

// What the drafts would become, with versions from `next` on. Nothing is written yet, so one that
// is refused leaves no trace among those it waits with.
Result<Appended, AppendError> SqliteStore::plan(const Order& order, Version& next)
{
    Appended appended;
    Version version = next;
    std::unordered_map<std::string_view, std::pair<Version, const Draft*>> own;
    for (const Draft& draft : order.drafts) {
        std::optional<Version> known;
        if (!draft.key.empty()) {
            const auto before = own.find(draft.key);
            if (before != own.end()) {
                const Draft& first = *before->second.second;
                if (order_digest(first.site, first.body) != order_digest(draft.site, draft.body))
                    return fail(AppendError::key_used);
                known = before->second.first;
            } else if (auto found = version_of_key(draft); !found) {
                return fail(found.error());
            } else {
                known = *found;
            }
        }
        appended.drafts.push_back({known ? *known : version, known.has_value()});
        if (known) continue;
        const auto undone = undone_by(draft.body);
        if (version > purge::kVersionMax || (undone && *undone <= head_.base))
            return fail(AppendError::invalid);
        if (!draft.key.empty()) own.emplace(draft.key, std::pair{version, &draft});
        ++version;
    }
    next = version;
    return appended;
}

bool SqliteStore::insert(const purge::Message& message, ByteView record)
{
    if (!insert_record_.bind(1, message.version).bind_bytes(2, record).run()) return false;
    if (message.key.empty()) return true;
    const Bytes digest = bytes_of(order_digest(message.site, message.body));
    return insert_key_.bind_text(1, message.key)
        .bind(2, message.version)
        .bind_bytes(3, digest)
        .run();
}

namespace
{
// Encodes the new ones among the drafts. False: one of them has a fault.
bool encode_all(SqliteStore::Order& order, JournalId id, Appended& appended)
{
    for (std::size_t i = 0; i < order.drafts.size(); ++i) {
        const Appended::One& one = appended.drafts[i];
        if (one.repeated) continue;
        auto message = std::make_shared<const purge::Message>(
            message_of(std::move(order.drafts[i]), order.issued_at, one.version, id));
        if (purge::fault_of(*message)) return false;
        auto record = std::make_shared<Bytes>();
        purge::encode_message(*message, *record);
        appended.records.push_back({one.version, std::move(record), std::move(message)});
    }
    return true;
}
} // namespace

std::vector<Result<Appended, AppendError>> SqliteStore::append(std::span<Order> orders)
{
    std::vector<Result<Appended, AppendError>> results;
    Version next = mark_ + 1;
    const auto one = [&](Order& order) -> bool {
        const Version first = next;
        auto planned = plan(order, next);
        if (planned && !encode_all(order, head_.id, *planned)) planned = fail(AppendError::invalid);
        if (!planned) next = first;
        const bool disk_failed = !planned && (planned.error() == AppendError::io ||
                                              planned.error() == AppendError::no_space);
        results.push_back(std::move(planned));
        if (disk_failed) return false;
        if (!results.back()) return true;
        return std::all_of(
            results.back()->records.begin(), results.back()->records.end(),
            [&](const DurableRecord& record) { return insert(*record.message, *record.record); });
    };
    const auto written =
        in_transaction([&] { return std::all_of(orders.begin(), orders.end(), one); });
    if (!written) return {orders.size(), fail(written.error())};
    for (const auto& result : results)
        for (const DurableRecord& record : result ? result->records : std::vector<DurableRecord>{})
            if (const auto undone = undone_by(record.message->body)) undone_.insert(*undone);
    if (next > mark_ + 1) set_mark(next - 1);
    return results;
}

Result<void, AppendError> SqliteStore::append_records(std::span<const Bytes> records)
{
    Version last = mark_;
    std::set<Version> undone;
    const auto one = [&](const Bytes& record) {
        ByteView rest = record;
        const auto message = purge::decode_message(rest);
        if (!message || message->version != last + 1) return false;
        last = message->version;
        if (const auto version = undone_by(message->body)) undone.insert(*version);
        return insert(*message, record);
    };
    auto written = in_transaction([&] { return std::all_of(records.begin(), records.end(), one); });
    if (!written) return written;
    undone_.merge(undone);
    set_mark(last);
    return {};
}

Result<void, AppendError> SqliteStore::put_edge(const purge::RegisteredEdge& edge)
{
    auto put = Statement::prepare(
        database_, "INSERT OR REPLACE INTO edges (name, instance, lease, adrift, only_acks)"
                   " VALUES (?, ?, ?, ?, ?)");
    if (!put) return fail(error());
    put->bind_text(1, edge.name)
        .bind(2, edge.instance)
        .bind(3, static_cast<std::uint64_t>(edge.lease.count()))
        .bind(4, static_cast<std::uint64_t>(edge.adrift))
        .bind(5, edge.only_acks_count ? 1 : 0);
    if (!put->run()) return fail(error());
    std::erase_if(edges_, [&](const auto& other) { return other.name == edge.name; });
    edges_.push_back(edge);
    return {};
}

Result<void, AppendError> SqliteStore::drop_edge(const std::string& name)
{
    auto drop = Statement::prepare(database_, "DELETE FROM edges WHERE name = ?");
    if (!drop || !drop->bind_text(1, name).run()) return fail(error());
    std::erase_if(edges_, [&](const auto& edge) { return edge.name == name; });
    return {};
}

bool SqliteStore::write_head(const StoreHead& head, const purge::SharedRecord& snapshot)
{
    auto put = Statement::prepare(
        database_, "INSERT OR REPLACE INTO meta (one, id, previous, base, root, snapshot)"
                   " VALUES (1, ?, ?, ?, ?, ?)");
    if (!put) return false;
    const Bytes root = bytes_of(head.root_at_base);
    put->bind(1, head.id).bind(2, head.previous).bind(3, head.base).bind_bytes(4, root);
    if (snapshot) put->bind_bytes(5, *snapshot);
    return put->run();
}

Result<JournalStart, AppendError> SqliteStore::mint(Version above)
{
    if (above > purge::kVersionMax) return fail(AppendError::invalid);
    Compaction compaction(state_);
    for (Version next = head_.base + 1; next <= mark_; next += kMintSlice) {
        const auto slice = rows(next, std::min(mark_, next + kMintSlice - 1), kMintSlice);
        if (!slice) return fail(AppendError::io);
        for (const Row& row : *slice)
            compaction.add(row.message, undone_);
    }
    const StoreHead head{draw_journal_id(), head_.id, std::max(mark_, above), {}};
    compaction.reach(head.base);
    const purge::SharedRecord snapshot = compaction.snapshot();
    const auto written = in_transaction([&] { return write_head(head, snapshot); });
    if (!written) return fail(written.error());
    head_ = head;
    state_ = compaction.state();
    undone_.clear();
    tidy_.reset();
    set_mark(head.base);
    return start_of(purge::DigestTree(head.base, {}));
}

// ---- retention

std::optional<std::vector<SqliteStore::Row>> SqliteStore::rows(Version first, Version last,
                                                               std::size_t limit)
{
    auto select = Statement::prepare(
        database_,
        "SELECT record FROM records WHERE version BETWEEN ? AND ? ORDER BY version LIMIT ?");
    if (!select) return std::nullopt;
    select->bind(1, first).bind(2, last).bind(3, limit);
    std::vector<Row> found;
    Statement::Step step = select->step();
    for (; step == Statement::Step::row; step = select->step()) {
        ByteView record = select->bytes(0);
        const purge::Digest digest = purge::digest_of(record);
        auto message = purge::decode_message(record);
        if (!message) return std::nullopt;
        found.push_back({std::move(*message), digest});
    }
    if (step == Statement::Step::failed) return std::nullopt;
    return found;
}

bool SqliteStore::expired(const purge::Message& message) const
{
    const Retention& retention = tidy_->retention;
    const Millis age = tidy_->now - message.issued_at;
    const bool surplus = mark_ - message.version >= retention.records_max;
    return (surplus || age > retention.age_max) && age > retention.undo_window;
}

void SqliteStore::begin_tidy(const Retention& retention, WallTime now)
{
    if (tidy_) return;
    tidy_ = Tidy{retention, now, head_.base, head_.root_at_base, {}, false};
    // Each time the whole snapshot is written anew: only when an eighth of it comes in.
    const Version enough = head_.base + 1 + state_.entries().size() / 8;
    const auto row = rows(enough, enough, 1);
    tidy_->compacting = row && !row->empty() && expired(row->front().message);
    if (tidy_->compacting) tidy_->compaction = Compaction(state_);
}

std::optional<SqliteStore::Compacted> SqliteStore::tidy_step()
{
    if (tidy_->compacting) return compact_step();
    delete_step();
    return std::nullopt;
}

std::optional<SqliteStore::Compacted> SqliteStore::compact_step()
{
    Tidy& tidy = *tidy_;
    const auto slice = rows(tidy.reached + 1, mark_, kTidySlice);
    if (!slice) {
        tidy_.reset();
        return std::nullopt;
    }
    for (const Row& row : *slice) {
        if (!expired(row.message)) break;
        tidy.compaction.add(row.message, undone_);
        tidy.reached = row.message.version;
        tidy.root += row.digest;
    }
    const bool more = !slice->empty() && tidy.reached == slice->back().message.version;
    if (more) return std::nullopt;
    tidy.compacting = false;
    const StoreHead head{head_.id, head_.previous, tidy.reached, tidy.root};
    const purge::SharedRecord snapshot = tidy.compaction.snapshot();
    if (!in_transaction([&] { return write_head(head, snapshot); })) {
        tidy_.reset();
        return std::nullopt;
    }
    head_ = head;
    state_ = tidy.compaction.state();
    undone_.erase(undone_.begin(), undone_.upper_bound(head_.base));
    return Compacted{head_.base, snapshot, state_.digest(), head_.root_at_base};
}

bool SqliteStore::delete_rows(std::span<const purge::Message> messages)
{
    auto record = Statement::prepare(database_, "DELETE FROM records WHERE version = ?");
    auto key = Statement::prepare(database_, "DELETE FROM keys WHERE key = ? AND version = ?");
    if (!record || !key) return false;
    return std::all_of(messages.begin(), messages.end(), [&](const purge::Message& message) {
        return record->bind(1, message.version).run() &&
               (message.key.empty() ||
                key->bind_text(1, message.key).bind(2, message.version).run());
    });
}

void SqliteStore::delete_step()
{
    const auto slice = rows(0, head_.base, kTidySlice);
    std::vector<purge::Message> old;
    for (const Row& row : slice ? *slice : std::vector<Row>{})
        if (expired(row.message)) old.push_back(row.message);
    const bool more = old.size() == kTidySlice;
    const auto deleted = in_transaction([&] { return delete_rows(old); });
    if (!more || !deleted) tidy_.reset();
}
} // namespace tidemark::journal
