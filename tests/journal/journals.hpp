#pragma once
#include "journal/memory_journal.hpp"
#include "journal/sqlite_journal.hpp"
#include "tests/core/net/running.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <sqlite3.h>

// A journal and whoever owns it, for tests: calls wait for their answers.
namespace tidemark::journal::test
{
inline Draft purge_of(std::string url, std::string key = {})
{
    Draft draft;
    draft.key = std::move(key);
    draft.body = purge::Invalidate{
        {{purge::Scope::url, purge::OrderMode::hard, Seconds{0}, std::move(url)}}, false};
    return draft;
}
inline Draft undo_of(Version version)
{
    Draft draft;
    draft.body = purge::Undo{version};
    return draft;
}
inline purge::Message message_from(const purge::SharedRecord& record)
{
    ByteView bytes = *record;
    return purge::decode_message(bytes).value();
}
inline const std::string& url_of(const purge::Message& message)
{
    return std::get<purge::Invalidate>(message.body).orders.front().selector;
}

class Owner
{
  public:
    ~Owner() { close(); }

    void open(const std::string& directory, SqliteOptions options = {})
    {
        auto opened = journal::open(running.loop, directory, std::move(options));
        BOOST_TEST_REQUIRE(opened.has_value(), (opened ? "" : opened.error()));
        journal = std::move(opened->journal);
        start = std::move(opened->start);
    }
    void open_in_memory(MemoryOptions options)
    {
        auto opened = journal::open_in_memory(running.loop, std::move(options));
        journal = std::move(opened.journal);
        start = std::move(opened.start);
    }
    void close()
    {
        if (journal) journal->close();
        journal.reset();
        running.idle();
    }

    Result<Appended, AppendError> append(std::vector<Draft> drafts)
    {
        return wait<Appended>(
            [&](auto done) { journal->append(std::move(drafts), std::move(done)); });
    }
    Version append_one(Draft draft)
    {
        auto appended = append({std::move(draft)});
        BOOST_TEST_REQUIRE(appended.has_value());
        return appended->drafts.front().version;
    }
    void append_urls(int count)
    {
        std::vector<Draft> drafts;
        for (int i = 0; i < count; ++i)
            drafts.push_back(purge_of("http://h/" + std::to_string(i)));
        BOOST_TEST_REQUIRE(append(std::move(drafts)).has_value());
    }
    std::vector<purge::SharedRecord> read(Version first, Version last,
                                          std::size_t bytes_max = 1 << 30)
    {
        return wait<std::vector<purge::SharedRecord>>(
                   [&](auto done) { journal->read(first, last, bytes_max, std::move(done)); })
            .value();
    }
    Found search(Query query)
    {
        return wait<Found>([&](auto done) { journal->search(std::move(query), std::move(done)); })
            .value();
    }
    JournalStart mint(Version above)
    {
        return wait<JournalStart>([&](auto done) { journal->mint(above, std::move(done)); })
            .value();
    }
    template <class T, class Call> Result<T, AppendError> wait(Call&& call)
    {
        std::optional<Result<T, AppendError>> answer;
        call([&](Result<T, AppendError> result) { answer = std::move(result); });
        BOOST_TEST(!answer.has_value(), "answered from inside the call");
        running.until([&] { return answer.has_value(); });
        return std::move(*answer);
    }

    net::test::RunningLoop running;
    std::unique_ptr<Journal> journal;
    JournalStart start;
};

// Behind the journal's back.
inline void change(const std::string& directory, const std::string& sql)
{
    sqlite3* database = nullptr;
    BOOST_TEST_REQUIRE(sqlite3_open((directory + "/journal.db").c_str(), &database) == SQLITE_OK);
    BOOST_TEST_REQUIRE(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK,
                       sqlite3_errmsg(database));
    sqlite3_close(database);
}
inline std::string error_of_open(const std::string& directory)
{
    net::test::RunningLoop running;
    auto opened = journal::open(running.loop, directory);
    BOOST_TEST_REQUIRE(!opened.has_value());
    return opened.error();
}
inline bool says(const std::vector<std::string>& remarks, std::string_view what)
{
    for (const std::string& remark : remarks)
        if (remark.find(what) != std::string::npos) return true;
    return false;
}
} // namespace tidemark::journal::test
