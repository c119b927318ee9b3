#pragma once
#include "core/base/bytes.hpp"
#include "core/base/result.hpp"

#include <cstdint>
#include <memory>
#include <string>

struct sqlite3;
struct sqlite3_stmt;

// SQLite, as far as the journal needs it. A connection and its statements belong to one thread at
// a time.
namespace tidemark::journal
{
enum class DbFault : std::uint8_t {
    no_space,
    io,
    corrupt,        // the file's structure
    not_a_database, // the file is something else
};
struct DbError {
    DbFault fault = DbFault::io;
    std::string text; // for people
};

class Database
{
  public:
    enum class Access : std::uint8_t { read, write };
    [[nodiscard]] static Result<Database, DbError> open(const std::string& path, Access access);
    Database() = default;

    // One or more statements whose rows nobody needs.
    [[nodiscard]] Result<void, DbError> run(const char* sql);
    // The first column of the first row.
    [[nodiscard]] Result<std::int64_t, DbError> number(const char* sql);
    [[nodiscard]] Result<std::string, DbError> text(const char* sql);
    // What went wrong last.
    [[nodiscard]] DbError error() const;
    [[nodiscard]] bool in_transaction() const noexcept;
    [[nodiscard]] sqlite3* raw() const noexcept { return handle_.get(); }

  private:
    struct Close {
        void operator()(sqlite3* handle) const noexcept;
    };
    std::unique_ptr<sqlite3, Close> handle_;
};

// Prepared once, run often. Bound bytes are borrowed until reset().
class Statement
{
  public:
    Statement() = default;
    [[nodiscard]] static Result<Statement, DbError> prepare(Database& database, const char* sql);

    Statement& bind(int index, std::uint64_t value) noexcept; // kept as a signed 64-bit number
    Statement& bind_bytes(int index, ByteView bytes) noexcept;
    Statement& bind_text(int index, ByteView text) noexcept;

    enum class Step : std::uint8_t { row, done, failed };
    [[nodiscard]] Step step() noexcept;
    void reset() noexcept;
    // Runs it to its end and resets it. False: see Database::error(), taken before anything else.
    [[nodiscard]] bool run() noexcept;

    [[nodiscard]] std::uint64_t number(int column) const noexcept;
    [[nodiscard]] ByteView bytes(int column) const noexcept; // until the next step() or reset()

  private:
    struct Finalize {
        void operator()(sqlite3_stmt* handle) const noexcept;
    };
    std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

// Resets a statement at the end of a scope: a row that is held keeps the log from being cut.
class StatementUse
{
  public:
    explicit StatementUse(Statement& statement) noexcept : statement_(statement) {}
    ~StatementUse() { statement_.reset(); }
    StatementUse(const StatementUse&) = delete;
    StatementUse& operator=(const StatementUse&) = delete;

  private:
    Statement& statement_;
};
} // namespace tidemark::journal
