#include "journal/sqlite_reader.hpp"

#include "journal/audit.hpp"

#include <algorithm>

namespace tidemark::journal
{
namespace
{
// A search gives way after so many rows, and says where to go on.
constexpr std::size_t kRowsPerSearch = 50'000;
} // namespace

Result<SqliteReader, std::string> SqliteReader::open(const std::string& path)
{
    SqliteReader reader;
    auto database = Database::open(path, Database::Access::read);
    if (!database) return fail(path + ": " + database.error().text);
    reader.database_ = std::move(*database);
    auto rows = Statement::prepare(reader.database_, "SELECT version, record FROM records WHERE "
                                                     "version BETWEEN ? AND ? ORDER BY version");
    auto backwards =
        Statement::prepare(reader.database_, "SELECT version, record FROM records WHERE "
                                             "version BETWEEN ? AND ? ORDER BY version DESC");
    if (!rows || !backwards) return fail(path + ": " + reader.database_.error().text);
    reader.rows_ = std::move(*rows);
    reader.rows_backwards_ = std::move(*backwards);
    return reader;
}

Result<std::vector<purge::SharedRecord>, AppendError>
SqliteReader::read(Version first, Version last, Version base, std::size_t bytes_max)
{
    const StatementUse use(rows_);
    rows_.bind(1, std::max(first, base + 1)).bind(2, std::min(last, purge::kVersionMax));
    std::vector<purge::SharedRecord> records;
    std::size_t bytes = 0;
    while (records.empty() || bytes < bytes_max) {
        const Statement::Step step = rows_.step();
        if (step == Statement::Step::failed) return fail(AppendError::io);
        if (step == Statement::Step::done) break;
        records.push_back(std::make_shared<const Bytes>(rows_.bytes(1)));
        bytes += records.back()->size();
    }
    return records;
}

Result<Found, AppendError> SqliteReader::search(const Query& query)
{
    Statement& rows = query.newest_first ? rows_backwards_ : rows_;
    const StatementUse use(rows);
    rows.bind(1, query.from).bind(2, std::min(query.to, purge::kVersionMax));
    Found found;
    for (std::size_t looked = 0;; ++looked) {
        const Statement::Step step = rows.step();
        if (step == Statement::Step::failed) return fail(AppendError::io);
        if (step == Statement::Step::done) return found;
        if (found.messages.size() >= query.limit || looked == kRowsPerSearch) {
            found.next = rows.number(0);
            return found;
        }
        ByteView record = rows.bytes(1);
        auto message = purge::decode_message(record);
        if (message && matches(query, *message)) found.messages.push_back(std::move(*message));
    }
}
} // namespace tidemark::journal
