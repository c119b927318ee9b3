#include "journal/sqlite_database.hpp"

#include <cerrno>

#include <sqlite3.h>

namespace tidemark::journal
{
namespace
{
constexpr int kBusyMillis = 10'000; // the other connection holds the file for moments only

// What the system said last about the file or its log. SQLite itself tells only ENOSPC apart.
int system_error_of(sqlite3* database)
{
    int error = 0;
    sqlite3_file_control(database, "main", SQLITE_FCNTL_LAST_ERRNO, &error);
    sqlite3_file* log = nullptr;
    sqlite3_file_control(database, "main", SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&log));
    if (error == 0 && log != nullptr && log->pMethods != nullptr)
        log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &error);
    return error;
}

DbFault fault_of(int code, int system_error)
{
    // EFBIG: a limit on the file's size, which is as good as a full disk.
    const bool full = system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG;
    switch (code & 0xFF) {
    case SQLITE_FULL:
        return DbFault::no_space;
    case SQLITE_CORRUPT:
        return DbFault::corrupt;
    case SQLITE_NOTADB:
        return DbFault::not_a_database;
    default:
        return full ? DbFault::no_space : DbFault::io;
    }
}
} // namespace

void Database::Close::operator()(sqlite3* handle) const noexcept
{
    sqlite3_close_v2(handle);
}

Result<Database, DbError> Database::open(const std::string& path, Access access)
{
    const int flags =
        access == Access::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    Database database;
    database.handle_.reset(handle);
    if (handle == nullptr) return fail(DbError{DbFault::io, "no memory"});
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, kBusyMillis);
    if (code != SQLITE_OK) return fail(database.error());
    return database;
}

DbError Database::error() const
{
    return {fault_of(sqlite3_extended_errcode(raw()), system_error_of(raw())),
            sqlite3_errmsg(raw())};
}

bool Database::in_transaction() const noexcept
{
    return sqlite3_get_autocommit(raw()) == 0;
}

Result<void, DbError> Database::run(const char* sql)
{
    if (sqlite3_exec(raw(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return fail(error());
    return {};
}

Result<std::int64_t, DbError> Database::number(const char* sql)
{
    auto statement = Statement::prepare(*this, sql);
    if (!statement) return fail(statement.error());
    const Statement::Step step = statement->step();
    if (step == Statement::Step::failed) return fail(error());
    return step == Statement::Step::row ? static_cast<std::int64_t>(statement->number(0)) : 0;
}

Result<std::string, DbError> Database::text(const char* sql)
{
    auto statement = Statement::prepare(*this, sql);
    if (!statement) return fail(statement.error());
    const Statement::Step step = statement->step();
    if (step == Statement::Step::failed) return fail(error());
    return step == Statement::Step::row ? std::string(statement->bytes(0)) : std::string();
}

void Statement::Finalize::operator()(sqlite3_stmt* handle) const noexcept
{
    sqlite3_finalize(handle);
}

Result<Statement, DbError> Statement::prepare(Database& database, const char* sql)
{
    sqlite3_stmt* handle = nullptr;
    const int code =
        sqlite3_prepare_v3(database.raw(), sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
    Statement statement;
    statement.handle_.reset(handle);
    if (code != SQLITE_OK) return fail(database.error());
    return statement;
}

Statement& Statement::bind(int index, std::uint64_t value) noexcept
{
    sqlite3_bind_int64(handle_.get(), index, static_cast<std::int64_t>(value));
    return *this;
}
Statement& Statement::bind_bytes(int index, ByteView bytes) noexcept
{
    // A null destructor: the bytes stay where they are (SQLITE_STATIC).
    sqlite3_bind_blob64(handle_.get(), index, bytes.data(), bytes.size(), nullptr);
    return *this;
}
Statement& Statement::bind_text(int index, ByteView text) noexcept
{
    sqlite3_bind_text64(handle_.get(), index, text.data(), text.size(), nullptr, SQLITE_UTF8);
    return *this;
}

Statement::Step Statement::step() noexcept
{
    const int code = sqlite3_step(handle_.get());
    if (code == SQLITE_ROW) return Step::row;
    return code == SQLITE_DONE ? Step::done : Step::failed;
}
void Statement::reset() noexcept
{
    sqlite3_reset(handle_.get());
}
bool Statement::run() noexcept
{
    const Step last = step();
    // Resetting repeats the code of a failure, so error() still tells it.
    reset();
    return last != Step::failed;
}

std::uint64_t Statement::number(int column) const noexcept
{
    return static_cast<std::uint64_t>(sqlite3_column_int64(handle_.get(), column));
}
ByteView Statement::bytes(int column) const noexcept
{
    const void* data = sqlite3_column_blob(handle_.get(), column);
    const int size = sqlite3_column_bytes(handle_.get(), column);
    if (data == nullptr) return {};
    return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}
} // namespace tidemark::journal
