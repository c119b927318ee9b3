#include "journal/sqlite_journal.hpp"

#include "journal/sqlite_reader.hpp"
#include "journal/sqlite_store.hpp"
#include "journal/work_queue.hpp"

#include <atomic>
#include <thread>
#include <variant>

namespace tidemark::journal
{
namespace
{
constexpr std::int64_t kRequestsMax = 1 << 16;
constexpr std::size_t kBatchDraftsMax = 1 << 16; // of one transaction

using Answer = std::function<void()>; // to be called on the owner's thread

struct Append {
    SqliteStore::Order order;
    Journal::AppendDone done;
};
using StoreWork = std::function<Answer(SqliteStore&)>;
using WriterWork = std::variant<Append, StoreWork>;
using ReaderWork = std::function<Answer(SqliteReader&, Version base)>;

class SqliteJournal final : public Journal
{
  public:
    SqliteJournal(net::Loop& loop, std::unique_ptr<SqliteStore> store, SqliteReader reader,
                  SqliteOptions options);
    ~SqliteJournal() override { close(); }

    void append(std::vector<Draft> drafts, AppendDone done) override;
    void read(Version first, Version last, std::size_t bytes_max, ReadDone done) override;
    void search(Query query, SearchDone done) override;
    void put_edge(purge::RegisteredEdge edge, Done done) override;
    void drop_edge(std::string name, Done done) override;
    void mint(Version above, MintDone done) override;
    void close() override;

  private:
    using Inbox = net::Mailbox<Answer>;

    // The owner's thread.
    [[nodiscard]] bool admit(std::size_t drafts);
    void refuse(Answer answer);
    void deliver(Answer&& answer);
    void tidy();
    void post(Answer answer);

    // The writer's thread.
    void write();
    void handle(std::vector<WriterWork>& work);
    void append_batch(std::span<Append> batch);
    void tidy_step();
    // The reader's.
    void serve();

    net::Loop& loop_;
    SqliteOptions options_;
    std::unique_ptr<SqliteStore> store_; // the writer's
    SqliteReader reader_;                // the reader's
    std::atomic<Version> base_;          // written by the writer
    std::atomic<std::size_t> waiting_drafts_ = 0;
    std::int64_t waiting_ = 0; // requests without an answer
    std::unique_ptr<Inbox> inbox_;
    std::unique_ptr<net::Timer> tidy_timer_;
    WorkQueue<WriterWork> writes_;
    WorkQueue<ReaderWork> reads_;
    std::thread writer_;
    std::thread reads_thread_;
};

SqliteJournal::SqliteJournal(net::Loop& loop, std::unique_ptr<SqliteStore> store,
                             SqliteReader reader, SqliteOptions options)
    : loop_(loop), options_(std::move(options)), store_(std::move(store)),
      reader_(std::move(reader)), base_(store_->base())
{
    // Every request has one answer, and retention one now and then.
    inbox_ = std::make_unique<Inbox>(loop, 2 * static_cast<std::size_t>(kRequestsMax),
                                     [this](Answer&& answer) { deliver(std::move(answer)); });
    tidy_timer_ = std::make_unique<net::Timer>(loop, [this] { tidy(); });
    tidy_timer_->start(options_.tidy_every, options_.tidy_every);
    writer_ = std::thread([this] { write(); });
    reads_thread_ = std::thread([this] { serve(); });
}

// ---- the owner's thread

bool SqliteJournal::admit(std::size_t drafts)
{
    const bool room =
        waiting_ < kRequestsMax && waiting_drafts_.load() + drafts <= options_.waiting_drafts_max;
    if (!room) return false;
    ++waiting_;
    waiting_drafts_ += drafts;
    return true;
}

// Answered a turn later, like everything else.
void SqliteJournal::refuse(Answer answer)
{
    if (inbox_->post(std::move(answer))) ++waiting_;
}

void SqliteJournal::post(Answer answer)
{
    // There is room: a request is admitted only while fewer than half of it wait.
    static_cast<void>(inbox_->post(std::move(answer)));
}

void SqliteJournal::deliver(Answer&& answer)
{
    --waiting_;
    answer();
}

void SqliteJournal::append(std::vector<Draft> drafts, AppendDone done)
{
    if (!inbox_) return;
    if (!admit(drafts.size()))
        return refuse([done = std::move(done)] { done(fail(AppendError::no_space)); });
    writes_.push(Append{{std::move(drafts), loop_.wall()}, std::move(done)});
}

void SqliteJournal::read(Version first, Version last, std::size_t bytes_max, ReadDone done)
{
    if (!inbox_) return;
    if (!admit(0)) return refuse([done = std::move(done)] { done(fail(AppendError::no_space)); });
    reads_.push([=, done = std::move(done)](SqliteReader& reader, Version base) -> Answer {
        return [done, result = reader.read(first, last, base, bytes_max)] { done(result); };
    });
}

void SqliteJournal::search(Query query, SearchDone done)
{
    if (!inbox_) return;
    if (!admit(0)) return refuse([done = std::move(done)] { done(fail(AppendError::no_space)); });
    reads_.push([query = std::move(query), done = std::move(done)](SqliteReader& reader,
                                                                   Version) -> Answer {
        return [done, result = reader.search(query)] { done(result); };
    });
}

void SqliteJournal::put_edge(purge::RegisteredEdge edge, Done done)
{
    if (!inbox_) return;
    if (!admit(0)) return refuse([done = std::move(done)] { done(fail(AppendError::no_space)); });
    writes_.push(StoreWork([edge = std::move(edge), done = std::move(done)](SqliteStore& store) {
        return Answer([done, result = store.put_edge(edge)] { done(result); });
    }));
}

void SqliteJournal::drop_edge(std::string name, Done done)
{
    if (!inbox_) return;
    if (!admit(0)) return refuse([done = std::move(done)] { done(fail(AppendError::no_space)); });
    writes_.push(StoreWork([name = std::move(name), done = std::move(done)](SqliteStore& store) {
        return Answer([done, result = store.drop_edge(name)] { done(result); });
    }));
}

void SqliteJournal::mint(Version above, MintDone done)
{
    if (!inbox_) return;
    if (!admit(0)) return refuse([done = std::move(done)] { done(fail(AppendError::no_space)); });
    writes_.push(StoreWork([above, done = std::move(done)](SqliteStore& store) {
        return Answer([done, result = store.mint(above)] { done(result); });
    }));
}

void SqliteJournal::tidy()
{
    if (!admit(0)) return;
    writes_.push(
        StoreWork([retention = options_.retention, now = loop_.wall()](SqliteStore& store) {
            store.begin_tidy(retention, now);
            return Answer([] {});
        }));
}

void SqliteJournal::close()
{
    if (!inbox_) return;
    writes_.stop();
    reads_.stop();
    writer_.join();
    reads_thread_.join();
    tidy_timer_.reset();
    inbox_.reset();
    // The writer's connection last: it can tidy its log away, one that only reads cannot.
    reader_ = SqliteReader();
    store_.reset(); // gives the directory back
}

// ---- the writer's thread

void SqliteJournal::write()
{
    std::vector<WriterWork> work;
    while (writes_.take(work, !store_->tidying())) {
        handle(work);
        if (store_->tidying()) tidy_step();
    }
}

// In order; appends that stand side by side go into one transaction.
void SqliteJournal::handle(std::vector<WriterWork>& work)
{
    std::vector<Append> batch;
    std::size_t drafts = 0;
    const auto flush = [&] {
        if (!batch.empty()) append_batch(batch);
        batch.clear();
        drafts = 0;
    };
    for (WriterWork& one : work) {
        if (auto* append = std::get_if<Append>(&one)) {
            drafts += append->order.drafts.size();
            batch.push_back(std::move(*append));
            if (drafts >= kBatchDraftsMax) flush();
            continue;
        }
        flush();
        Answer answer = std::get<StoreWork>(one)(*store_);
        base_.store(store_->base());
        post(std::move(answer));
    }
    flush();
}

void SqliteJournal::append_batch(std::span<Append> batch)
{
    std::vector<SqliteStore::Order> orders;
    std::size_t drafts = 0;
    orders.reserve(batch.size());
    for (Append& append : batch) {
        drafts += append.order.drafts.size();
        orders.push_back(std::move(append.order));
    }
    auto results = store_->append(orders);
    waiting_drafts_ -= drafts;
    for (std::size_t i = 0; i < batch.size(); ++i)
        post([done = std::move(batch[i].done), result = std::move(results[i])] { done(result); });
}

void SqliteJournal::tidy_step()
{
    const auto compacted = store_->tidy_step();
    if (!compacted) return;
    base_.store(compacted->base);
    if (!options_.on_compacted) return;
    post([this, moved = *compacted] {
        ++waiting_; // nobody asked for it
        options_.on_compacted(moved.base, moved.snapshot, moved.state, moved.root_at_base);
    });
}

// ---- the reader's thread

void SqliteJournal::serve()
{
    std::vector<ReaderWork> work;
    while (reads_.take(work, true))
        for (ReaderWork& one : work)
            post(one(reader_, base_.load()));
}
} // namespace

Result<Opened, std::string> open(net::Loop& loop, const std::string& directory,
                                 SqliteOptions options)
{
    auto store = SqliteStore::open(directory);
    if (!store) return fail(store.error());
    auto reader = SqliteReader::open(database_path(directory));
    if (!reader) return fail(reader.error());
    JournalStart start = (*store)->take_start();
    return Opened{std::make_unique<SqliteJournal>(loop, std::move(*store), std::move(*reader),
                                                  std::move(options)),
                  std::move(start)};
}
} // namespace tidemark::journal
