#include "journal/tool.hpp"

#include "core/base/crc32c.hpp"
#include "journal/sqlite_store.hpp"

#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include <unistd.h>

namespace tidemark::journal
{
namespace
{
constexpr std::string_view kMagic = "tidemark-journal 1 ";
constexpr std::size_t kLineBytes = kMagic.size() + 9; // 8 digits and the line's end
constexpr std::size_t kEdgesMax = 100'000;
constexpr std::size_t kImportSlice = 8192;
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

struct CloseFile {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

std::string system_text(const std::string& path)
{
    return path + ": " + std::strerror(errno);
}

// ---- the head of an export

struct Head {
    StoreHead store;
    Version last = 0;
    Bytes snapshot;
    std::vector<purge::RegisteredEdge> edges;
};

void write_edge(ByteWriter& to, const purge::RegisteredEdge& edge)
{
    to.text(edge.name);
    to.u64(edge.instance);
    to.varint(static_cast<std::uint64_t>(edge.lease.count()));
    to.u8(static_cast<std::uint8_t>(edge.adrift));
    to.u8(edge.only_acks_count ? 1 : 0);
}
purge::RegisteredEdge read_edge(ByteReader& from)
{
    purge::RegisteredEdge edge;
    edge.name = from.text(purge::kActorBytesMax);
    edge.instance = from.u64();
    edge.lease = Millis{static_cast<std::int64_t>(from.varint(std::uint64_t{1} << 40))};
    edge.adrift = static_cast<purge::Adrift>(from.u8());
    edge.only_acks_count = from.u8() != 0;
    return edge;
}

Bytes encoded(const Head& head)
{
    Bytes body;
    ByteWriter to{body};
    to.u64(head.store.id);
    to.varint(head.store.base);
    to.u64(head.store.root_at_base.high);
    to.u64(head.store.root_at_base.low);
    to.varint(head.last);
    to.text(head.snapshot);
    to.varint(head.edges.size());
    for (const purge::RegisteredEdge& edge : head.edges)
        write_edge(to, edge);
    Bytes sized;
    ByteWriter{sized}.u32(static_cast<std::uint32_t>(body.size()));
    sized += body;
    std::array<char, 16> line{};
    std::snprintf(line.data(), line.size(), "%08x\n", crc32c(sized));
    return std::string(kMagic) + line.data() + sized;
}

std::optional<Head> decoded(ByteView body)
{
    ByteReader from{body};
    Head head;
    head.store.id = from.u64();
    head.store.base = from.varint(purge::kVersionMax);
    head.store.root_at_base.high = from.u64();
    head.store.root_at_base.low = from.u64();
    head.last = from.varint(purge::kVersionMax);
    head.snapshot = from.text(purge::kSnapshotBytesMax);
    const std::uint64_t edges = from.varint(kEdgesMax);
    for (std::uint64_t i = 0; i < edges && from.ok(); ++i)
        head.edges.push_back(read_edge(from));
    if (!from.ok() || from.left() != 0 || head.store.id == 0) return std::nullopt;
    if (head.last < head.store.base) return std::nullopt;
    return head;
}

// ---- a journal as it lies there

struct Reading {
    Database database;
    Head head;
};

Result<void, std::string> read_edges(Reading& reading)
{
    auto rows = Statement::prepare(
        reading.database,
        "SELECT name, instance, lease, adrift, only_acks FROM edges ORDER BY name");
    if (!rows) return fail(rows.error().text);
    Statement::Step step = rows->step();
    for (; step == Statement::Step::row; step = rows->step())
        reading.head.edges.push_back({std::string(rows->bytes(0)), rows->number(1),
                                      Millis{static_cast<std::int64_t>(rows->number(2))},
                                      static_cast<purge::Adrift>(rows->number(3)),
                                      rows->number(4) != 0});
    if (step == Statement::Step::failed) return fail(reading.database.error().text);
    return {};
}

Result<void, std::string> read_head(Reading& reading)
{
    auto row = Statement::prepare(reading.database,
                                  "SELECT id, previous, base, root, snapshot, "
                                  "(SELECT coalesce(max(version), 0) FROM records) FROM meta");
    if (!row) return fail(row.error().text);
    if (row->step() != Statement::Step::row) return fail(reading.database.error().text);
    ByteReader root{row->bytes(3)};
    const std::uint64_t high = root.u64();
    reading.head.store = {row->number(0), row->number(1), row->number(2), {high, root.u64()}};
    reading.head.snapshot = row->bytes(4);
    reading.head.last = std::max(reading.head.store.base, row->number(5));
    return {};
}

// In one read transaction, which stays open: all that follows sees the same moment.
Result<Reading, std::string> open_reading(const std::string& directory)
{
    const std::string path = database_path(directory);
    Reading reading;
    if (!std::filesystem::exists(path)) return fail(path + ": there is no journal");
    auto database = Database::open(path, Database::Access::read);
    if (!database) return fail(path + ": " + database.error().text);
    reading.database = std::move(*database);
    if (auto begun = reading.database.run("BEGIN"); !begun)
        return fail(path + ": " + begun.error().text);
    auto read = read_head(reading);
    if (read) read = read_edges(reading);
    if (!read) return fail(path + ": " + read.error());
    return reading;
}

JournalSummary summary_of(const Head& head)
{
    JournalSummary summary;
    summary.id = head.store.id;
    summary.base = head.store.base;
    summary.last = head.last;
    summary.records = head.last - head.store.base;
    summary.edges = head.edges.size();
    return summary;
}

// Visits the records above the base: `visit(version, bytes)`, an error ends it.
template <class Visit>
Result<void, std::string> each_record(Reading& reading, Version above, Visit&& visit)
{
    auto rows = Statement::prepare(
        reading.database, "SELECT version, record FROM records WHERE version > ? ORDER BY version");
    if (!rows) return fail(rows.error().text);
    rows->bind(1, above);
    Version next = above + 1;
    while (true) {
        const Statement::Step step = rows->step();
        if (step == Statement::Step::done) return {};
        if (step == Statement::Step::failed)
            return fail("version " + std::to_string(next) +
                        " cannot be read: " + reading.database.error().text);
        const Version version = rows->number(0);
        if (auto visited = visit(version, rows->bytes(1)); !visited) return visited;
        next = version + 1;
    }
}

Result<void, std::string> write_file(std::FILE* file, ByteView bytes, const std::string& path)
{
    if (std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size()) return {};
    return fail(system_text(path));
}

Result<void, std::string> write_export(Reading& reading, const std::string& path)
{
    const File file(std::fopen(path.c_str(), "wbe"));
    if (!file) return fail(system_text(path));
    if (auto head = write_file(file.get(), encoded(reading.head), path); !head) return head;
    Version expected = reading.head.store.base + 1;
    auto records = each_record(
        reading, reading.head.store.base,
        [&](Version version, ByteView record) -> Result<void, std::string> {
            if (version != expected || !is_whole(record, reading.head.store.id, version))
                return fail("version " + std::to_string(expected) + " is damaged or missing");
            ++expected;
            return write_file(file.get(), record, path);
        });
    if (!records) return records;
    if (std::fflush(file.get()) != 0 || ::fsync(::fileno(file.get())) != 0)
        return fail(system_text(path));
    return {};
}

// ---- an export that is read

// Bytes of a file with a window that grows as it must.
class FileReader
{
  public:
    explicit FileReader(File file) : file_(std::move(file)) {}
    // At least `count` bytes in window(), unless the file ends before.
    bool fill(std::size_t count)
    {
        while (bytes_.size() - taken_ < count) {
            bytes_.erase(0, taken_);
            taken_ = 0;
            const std::size_t before = bytes_.size();
            bytes_.resize(before + kPieceBytes);
            const std::size_t got = std::fread(bytes_.data() + before, 1, kPieceBytes, file_.get());
            bytes_.resize(before + got);
            if (got == 0) return false;
        }
        return true;
    }
    [[nodiscard]] ByteView window() const { return ByteView{bytes_}.substr(taken_); }
    void take(std::size_t count) { taken_ += count; }

  private:
    File file_;
    Bytes bytes_;
    std::size_t taken_ = 0;
};

Result<Head, std::string> read_export_head(FileReader& from)
{
    constexpr std::size_t kSizeBytes = 4;
    if (!from.fill(kLineBytes + kSizeBytes) || !from.window().starts_with(kMagic))
        return fail("this is no export of a journal that this program knows");
    const std::string digits(from.window().substr(kMagic.size(), 8));
    const std::size_t size = ByteReader{from.window().substr(kLineBytes)}.u32();
    if (size > purge::kSnapshotBytesMax + (1U << 28) || !from.fill(kLineBytes + kSizeBytes + size))
        return fail("its head is cut off");
    const ByteView sized = from.window().substr(kLineBytes, kSizeBytes + size);
    std::array<char, 16> line{};
    std::snprintf(line.data(), line.size(), "%08x", crc32c(sized));
    auto head = decoded(sized.substr(kSizeBytes));
    if (digits != line.data() || !head) return fail("its head is damaged");
    from.take(kLineBytes + kSizeBytes + size);
    return *head;
}

Result<Bytes, std::string> read_export_record(FileReader& from, const Head& head, Version version)
{
    const auto damaged = [&] {
        return fail("version " + std::to_string(version) + " is damaged or missing");
    };
    constexpr std::size_t kFrontBytes = 8;
    if (!from.fill(kFrontBytes)) return damaged();
    const std::size_t size = ByteReader{from.window().substr(4)}.u32();
    if (size > purge::kRecordBytesMax || !from.fill(size)) return damaged();
    const ByteView record = from.window().substr(0, size);
    ByteView rest = record;
    if (!is_whole(record, head.store.id, version) || !purge::decode_message(rest)) return damaged();
    Bytes bytes(record);
    from.take(size);
    return bytes;
}

Result<void, std::string> copy_records(FileReader& from, const Head& head, SqliteStore& into)
{
    std::vector<Bytes> slice;
    for (Version version = head.store.base + 1; version <= head.last; ++version) {
        auto record = read_export_record(from, head, version);
        if (!record) return fail(record.error());
        slice.push_back(std::move(*record));
        if (slice.size() < kImportSlice && version < head.last) continue;
        if (!into.append_records(slice)) return fail("the records cannot be written");
        slice.clear();
    }
    if (from.fill(1)) return fail("there is more behind version " + std::to_string(head.last));
    return {};
}

Result<JournalSummary, std::string> import_into(FileReader& from, const std::string& directory,
                                                bool& made)
{
    auto head = read_export_head(from);
    if (!head) return fail(head.error());
    if (!head->snapshot.empty() && !purge::decode_snapshot(head->snapshot))
        return fail("its snapshot is damaged");
    SqliteStore::Seed seed{head->store, {}, head->edges};
    if (!head->snapshot.empty()) seed.snapshot = std::make_shared<const Bytes>(head->snapshot);
    auto store = SqliteStore::create(directory, seed);
    if (!store) return fail(store.error());
    made = true;
    if (auto copied = copy_records(from, *head, **store); !copied) return fail(copied.error());
    auto minted = (*store)->mint(head->last);
    if (!minted) return fail("the new journal id cannot be written");
    JournalSummary summary = summary_of(*head);
    summary.id = minted->id;
    summary.base = minted->base;
    summary.old_records = summary.records;
    summary.records = 0;
    return summary;
}

void remove_journal(const std::string& directory)
{
    std::error_code ignored;
    for (const char* name : {"journal.db", "journal.db-wal", "journal.db-shm", "mark", "lock"})
        std::filesystem::remove(directory + "/" + name, ignored);
}
} // namespace

Result<JournalSummary, std::string> export_journal(const std::string& directory,
                                                   const std::string& file)
{
    auto reading = open_reading(directory);
    if (!reading) return fail(reading.error());
    const std::string part = file + ".part";
    auto written = write_export(*reading, part);
    if (written && std::rename(part.c_str(), file.c_str()) != 0) written = fail(system_text(file));
    if (!written) {
        std::remove(part.c_str());
        return fail(written.error());
    }
    return summary_of(reading->head);
}

Result<JournalSummary, std::string> import_journal(const std::string& file,
                                                   const std::string& directory)
{
    File opened(std::fopen(file.c_str(), "rbe"));
    if (!opened) return fail(system_text(file));
    if (std::filesystem::exists(database_path(directory)))
        return fail(directory + " holds a journal already");
    FileReader from(std::move(opened));
    bool made = false;
    auto imported = import_into(from, directory, made);
    if (imported) return imported;
    if (made) remove_journal(directory);
    return fail(file + ": " + imported.error());
}

Result<JournalSummary, std::string> verify_journal(const std::string& directory)
{
    auto reading = open_reading(directory);
    if (!reading) return fail(reading.error());
    JournalSummary summary = summary_of(reading->head);
    const auto note = [&](std::string what) {
        if (summary.damage.size() < 100) summary.damage.push_back(std::move(what));
    };
    if (!reading->head.snapshot.empty() && !purge::decode_snapshot(reading->head.snapshot))
        note("the snapshot is damaged");
    summary.records = 0;
    Version expected = summary.base + 1;
    const auto read = each_record(
        *reading, 0, [&](Version version, ByteView record) -> Result<void, std::string> {
            const bool old = version <= summary.base;
            ++(old ? summary.old_records : summary.records);
            if (!old && version != expected)
                note("version " + std::to_string(expected) + " is missing");
            if (!old) expected = version + 1;
            ByteView rest = record;
            const auto message = purge::decode_message(rest);
            if (!message || !rest.empty() || message->version != version ||
                (!old && message->journal != summary.id))
                note("version " + std::to_string(version) + " is damaged");
            return {};
        });
    if (!read) note(read.error());
    const auto check = reading->database.text("PRAGMA integrity_check(1)");
    if (!check || *check != "ok") note("the database: " + (check ? *check : check.error().text));
    return summary;
}
} // namespace tidemark::journal
