#pragma once
#include "core/base/time.hpp"
#include "journal/journal.hpp"
#include "origin/content/content_store.hpp"
#include "purge/frames.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// When the version of a push is issued: once its content is staged on every edge that was connected
// when it began, or after a while without the slow ones. Pure.
namespace tidemark::origin
{
using PushId = std::uint64_t;

struct PushSettings {
    // What is not staged by then goes without: such an edge takes the push as an invalidation.
    Millis stage_timeout{10'000};
    // How long the content is still offered after that, to edges that come later.
    Millis offer_for{300'000};
};

struct OfferContent { // Hub::offer
    purge::PushOffer offer;
};
struct IssuePush { // append it
    PushId id;
    journal::Draft draft;  // its body is the Push
    std::uint32_t without; // edges that were waited for in vain
};
struct WithdrawContent { // Hub::withdraw; nobody offers it any more
    purge::ContentDigest digest;
};
struct ReleaseContent { // one hold of ContentStore::commit
    purge::ContentDigest digest;
};
using PushAction = std::variant<OfferContent, IssuePush, WithdrawContent, ReleaseContent>;

//   staging ──all have it, or the time is over──→ issued ──offer_for──→ over
class Pushes
{
  public:
    explicit Pushes(const PushSettings& settings) : settings_(settings) {}

    // `waited_for`: names of the connected edges. `draft`: but for its body.
    PushId begin(const StagedContent& content, std::string uri, purge::Version as_of,
                 journal::Draft draft, const std::vector<std::string>& waited_for, MonoTime now);
    void on_staged(std::string_view edge, const purge::ContentDigest& digest, MonoTime now);
    // An edge has left the registry: it is waited for no more.
    void on_removed(std::string_view edge, MonoTime now);
    void on_time(MonoTime now);
    [[nodiscard]] std::optional<MonoTime> next_due() const;
    [[nodiscard]] std::vector<PushAction> take_actions();
    [[nodiscard]] std::size_t staging() const noexcept;

  private:
    struct One {
        StagedContent content;
        std::string uri;
        purge::Version as_of = 0;
        journal::Draft draft;
        std::set<std::string, std::less<>> missing;
        bool issued = false;
        MonoTime due{};
    };
    void issue_if_ready(PushId id, One& push, MonoTime now);
    void issue(PushId id, One& push, MonoTime now);
    [[nodiscard]] bool is_offered(const purge::ContentDigest& digest) const;

    const PushSettings settings_;
    std::map<PushId, One> pushes_;
    PushId last_ = 0;
    std::vector<PushAction> actions_;
};
} // namespace tidemark::origin
