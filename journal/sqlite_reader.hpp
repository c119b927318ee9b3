#pragma once
#include "journal/journal.hpp"
#include "journal/sqlite_database.hpp"

#include <memory>

// Reads beside the writer, on a connection of its own: sees what is committed.
namespace tidemark::journal
{
class SqliteReader
{
  public:
    SqliteReader() = default; // of nothing
    [[nodiscard]] static Result<SqliteReader, std::string> open(const std::string& path);

    // See Journal. `base`: rows at or below it are not the journal's any more.
    [[nodiscard]] Result<std::vector<purge::SharedRecord>, AppendError>
    read(Version first, Version last, Version base, std::size_t bytes_max);
    [[nodiscard]] Result<Found, AppendError> search(const Query& query);

  private:
    Database database_;
    Statement rows_;
    Statement rows_backwards_;
};
} // namespace tidemark::journal
