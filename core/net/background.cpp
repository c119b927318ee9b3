#include "core/net/background.hpp"

#include "core/base/check.hpp"

namespace tidemark::net
{
struct Background::Owner {
    bool gone = false;
    std::size_t under_way = 0;
};

struct Background::Job {
    uv_work_t request{};
    Loop* loop = nullptr;
    std::shared_ptr<Owner> owner;
    std::function<void()> work;
    std::function<void()> done;
};

Background::Background(Loop& loop) : loop_(loop), owner_(std::make_shared<Owner>()) {}

Background::~Background()
{
    owner_->gone = true;
}

void Background::run(std::function<void()> work, std::function<void()> done)
{
    auto job = std::make_unique<Job>();
    job->request.data = job.get();
    job->loop = &loop_;
    job->owner = owner_;
    job->work = std::move(work);
    job->done = std::move(done);
    const auto run_it = [](uv_work_t* request) {
        Job& running = *static_cast<Job*>(request->data);
        running.work();
        running.work = nullptr; // what it owns goes on that thread too
    };
    const auto after = [](uv_work_t* request, int) {
        const std::unique_ptr<Job> ended(static_cast<Job*>(request->data));
        ended->loop->enter();
        --ended->owner->under_way;
        if (!ended->owner->gone) ended->done();
    };
    TIDEMARK_CHECK(uv_queue_work(loop_.raw(), &job->request, run_it, after) == 0);
    static_cast<void>(job.release()); // `after` owns it now
    ++owner_->under_way;
}

std::size_t Background::under_way() const noexcept
{
    return owner_->under_way;
}
} // namespace tidemark::net
