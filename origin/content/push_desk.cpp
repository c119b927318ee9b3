#include "origin/content/push_desk.hpp"

#include "core/base/check.hpp"
#include "core/observe/log.hpp"

#include <algorithm>
#include <utility>

namespace tidemark::origin
{
namespace
{
admin::Authority::Upload::Fault fault_of(ContentError error) noexcept
{
    using Fault = admin::Authority::Upload::Fault;
    switch (error) {
    case ContentError::too_large:
        return Fault::too_large;
    case ContentError::no_space:
        return Fault::no_space;
    case ContentError::io:
        break;
    }
    return Fault::io;
}

// too_large cannot come from a commit: the body was bounded as it came.
journal::AppendError append_error_of(ContentError error) noexcept
{
    return error == ContentError::no_space ? journal::AppendError::no_space
                                           : journal::AppendError::io;
}
} // namespace

class PushDesk::Upload final : public admin::Authority::Upload
{
  public:
    Upload(PushDesk& desk, std::unique_ptr<ContentStore::Upload> file)
        : desk_(desk), file_(std::move(file)), began_at_(desk.owner_.push_mark())
    {
    }

    bool write(ByteView piece) override
    {
        if (fault_ != Fault::none) return false;
        const auto written = file_->write(piece);
        if (written) return true;
        fault_ = fault_of(written.error());
        ++desk_.counters_.refused;
        return false;
    }

    Fault why() const noexcept override { return fault_; }

    void commit(std::string uri, std::string head, std::optional<purge::Version> as_of,
                journal::Draft draft, admin::Authority::Submitted done) override
    {
        TIDEMARK_CHECK(fault_ == Fault::none);
        // More than what is durable cannot be reflected: such a fence would come before its time.
        const purge::Version fence = std::min(as_of.value_or(began_at_), desk_.owner_.push_mark());
        file_->commit("HTTP/1.1 200 OK\r\n" + std::move(head) + "\r\n",
                      [&desk = desk_, uri = std::move(uri), fence, draft = std::move(draft),
                       done = std::move(done)](Result<StagedContent, ContentError> content) {
                          desk.on_packed(content, uri, fence, draft, done);
                      });
    }

  private:
    PushDesk& desk_;
    std::unique_ptr<ContentStore::Upload> file_;
    const purge::Version began_at_;
    Fault fault_ = Fault::none;
};

PushDesk::PushDesk(net::Loop& loop, ContentStore& store, const PushSettings& settings,
                   PushOwner& owner)
    : loop_(loop), store_(store), pushes_(settings), owner_(owner), timer_(loop, [this] {
          pushes_.on_time(loop_.mono());
          perform();
      })
{
}

PushDesk::~PushDesk() = default;

std::unique_ptr<admin::Authority::Upload> PushDesk::begin_upload()
{
    if (closed_) return nullptr;
    auto file = store_.begin();
    if (!file) {
        ++counters_.refused;
        log::error("push: an upload cannot be taken: {}", text_of(file.error()));
        return nullptr;
    }
    ++counters_.uploads;
    return std::make_unique<Upload>(*this, std::move(*file));
}

void PushDesk::on_packed(const Result<StagedContent, ContentError>& content, const std::string& uri,
                         purge::Version as_of, const journal::Draft& draft,
                         const admin::Authority::Submitted& done)
{
    if (closed_) return;
    if (!content) {
        ++counters_.refused;
        log::error("push of {}: its content cannot be kept: {}", uri, text_of(content.error()));
        return done(fail(append_error_of(content.error())));
    }
    const PushId id =
        pushes_.begin(*content, uri, as_of, draft, owner_.connected_edges(), loop_.mono());
    waiting_.emplace(id, done);
    perform();
}

void PushDesk::on_staged(std::string_view edge, const purge::ContentDigest& digest)
{
    pushes_.on_staged(edge, digest, loop_.mono());
    perform();
}

Bytes PushDesk::read_content(const purge::ContentDigest& digest, std::uint64_t offset,
                             std::size_t bytes_max)
{
    return store_.read(digest, offset, bytes_max);
}

void PushDesk::on_removed(std::string_view edge)
{
    pushes_.on_removed(edge, loop_.mono());
    perform();
}

void PushDesk::close()
{
    closed_ = true;
    timer_.stop();
    waiting_.clear();
}

// An action may lead back here: what it adds is performed in its turn.
void PushDesk::perform()
{
    if (closed_ || performing_) return;
    performing_ = true;
    for (auto actions = pushes_.take_actions(); !actions.empty(); actions = pushes_.take_actions())
        for (PushAction& action : actions)
            std::visit([this](auto& one) { perform_one(one); }, action);
    performing_ = false;
    set_timer();
}

void PushDesk::perform_one(OfferContent& action)
{
    owner_.offer(action.offer);
}

void PushDesk::perform_one(IssuePush& action)
{
    ++counters_.issued;
    counters_.without += action.without;
    if (action.without > 0)
        log::warn("push of {}: issued, though {} edge(s) do not have its content yet: there it "
                  "only invalidates",
                  std::get<purge::Push>(action.draft.body).uri, action.without);
    const auto waiting = waiting_.extract(action.id);
    TIDEMARK_CHECK(!waiting.empty());
    owner_.append_push(std::move(action.draft), std::move(waiting.mapped()));
}

void PushDesk::perform_one(WithdrawContent& action)
{
    owner_.withdraw(action.digest);
}

void PushDesk::perform_one(ReleaseContent& action)
{
    store_.release(action.digest);
}

void PushDesk::set_timer()
{
    const auto due = pushes_.next_due();
    if (!due) return timer_.stop();
    const auto wait = std::chrono::ceil<Millis>(*due - loop_.mono());
    timer_.start(std::max(wait, Millis{1}));
}
} // namespace tidemark::origin
