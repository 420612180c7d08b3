import hashlib
import io
import urllib.error
import urllib.request
import warnings
from email.message import Message

import lpips as package
import pytest
import torch
import torchvision
from safetensors.torch import save_file

from zoo.core import download
from zoo.core.download import TRUNKS, trunk_sha256
from zoo.core.errors import BadInput, Unavailable
from zoo.harness.metrics.lpips import LPIPS
from zoo.harness.scoring.scores import make_metrics


def batch(images):
    return torch.stack([torch.tensor(image).permute(2, 0, 1) for image in images])


@pytest.fixture(scope="module")
def reference():
    """The package's own network. Its trunk is random: the wrapper must agree on any trunk."""
    with warnings.catch_warnings(), torch.random.fork_rng():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        return package.LPIPS(net="alex", version="0.1", pnet_rand=True, verbose=False)


@pytest.fixture(scope="module")
def trunk(reference):
    """The same trunk under torchvision's names."""
    state = reference.net.state_dict()
    return {"features." + key.partition(".")[2]: value.clone() for key, value in state.items()}


@pytest.fixture(params=["pth", "safetensors"])
def trunk_path(request, trunk, tmp_path):
    file = tmp_path / f"alexnet.{request.param}"
    torch.save(trunk, file) if request.param == "pth" else save_file(trunk, file)
    return file


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(download, "_failed_here", set())
    return tmp_path / "hub" / "checkpoints"


@pytest.mark.slow
def test_equals_the_package_called_directly(reference, trunk_path, photos):
    prediction, target = batch(photos[:3]), batch(photos[3:6])
    with torch.no_grad():
        expected = reference(prediction.float() / 255, target.float() / 255, normalize=True).flatten()
    measured = LPIPS(trunk=trunk_path).per_image(prediction, target)
    torch.testing.assert_close(measured, expected, atol=1e-6, rtol=1e-5)
    assert not measured.requires_grad


def test_identical_images_score_zero_and_small_ones_are_not_measured(trunk_path, photos):
    metric = LPIPS(trunk=str(trunk_path))
    target = batch(photos[:1])
    assert metric.per_image(target, target).item() == 0
    assert metric.per_image(target[..., :31, :31], target[..., :31, :31]).item() == 0
    assert metric.per_image(target[..., :30, :64], target[..., :30, :64]).isnan().all()


def test_another_trunk_than_torchvisions_is_said_in_the_version(trunk_path):
    assert LPIPS(trunk=trunk_path).version.startswith("alex-v0.1-trunk-")
    assert LPIPS.version == "alex-v0.1"


def test_another_trunk_fills_a_column_of_its_own(trunk_path):
    """Random weights pass for an AlexNet: their distances must not stand where LPIPS is compared."""
    digest = hashlib.sha256(trunk_path.read_bytes()).hexdigest()
    metrics, notes = make_metrics(["psnr", "lpips"], device=torch.device("cpu"), lpips_trunk=str(trunk_path))
    assert [metric.name for metric in metrics] == ["psnr", f"lpips_{digest[:8]}"]
    assert notes == [
        f"lpips_{digest[:8]}: lpips by {trunk_path.name}, which is not torchvision's file; "
        "it compares with no other row's"
    ]
    assert LPIPS.name == "lpips"


def test_the_trunks_are_those_that_torchvision_names():
    for name, url in TRUNKS.items():
        assert torchvision.models.get_model_weights(name)["IMAGENET1K_V1"].url == url
        assert f"-{trunk_sha256(name)}.pth" in url


def test_building_it_leaves_the_random_state_alone(trunk_path):
    before = torch.random.get_rng_state()
    LPIPS(trunk=trunk_path)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_without_a_trunk_it_is_unavailable_and_the_network_is_tried_once(empty_cache, monkeypatch):
    tried = []

    def offline(url, timeout):
        tried.append(url)
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", offline)
    with pytest.raises(Unavailable, match="could not be downloaded") as error:
        LPIPS()
    assert "no network" in str(error.value.__cause__)
    with pytest.raises(Unavailable):
        LPIPS()
    monkeypatch.setattr(download, "_failed_here", set())  # as in the next process
    with pytest.raises(Unavailable):
        LPIPS()
    assert len(tried) == 1
    assert not list(empty_cache.glob("*.pth"))


def test_without_leave_to_download_nothing_is_tried(empty_cache, monkeypatch):
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: pytest.fail("went to the network"))
    with pytest.raises(Unavailable, match="--lpips-trunk"):
        LPIPS(download=False)


def test_a_silent_network_is_given_up_on(empty_cache, monkeypatch):
    import threading

    monkeypatch.setattr(download, "CONNECT_SECONDS", 0.05)
    never = threading.Event()
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: never.wait(5) and io.BytesIO())
    with pytest.raises(Unavailable, match="could not be downloaded") as error:
        LPIPS()
    assert "no answer" in str(error.value.__cause__)
    never.set()


def test_a_damaged_download_is_refused_and_leaves_nothing(empty_cache, monkeypatch):
    class Half(io.BytesIO):
        def info(self):
            return Message()

    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: io.BytesIO(b"half a file"))
    monkeypatch.setattr(torch.hub, "urlopen", lambda *_, **__: Half(b"half a file"))
    with pytest.raises(Unavailable, match="could not be downloaded") as error:
        LPIPS()
    assert "arrived damaged" in str(error.value)
    assert [file.suffix for file in empty_cache.iterdir()] == [".unreachable"]


def test_a_damaged_file_in_the_cache_is_never_scored_with(empty_cache):
    empty_cache.mkdir(parents=True)
    (empty_cache / "alexnet-owt-7be5be79.pth").write_bytes(b"half a file")
    with pytest.raises(Unavailable, match="damaged"):
        LPIPS()


def test_a_trunk_that_cannot_be_used_is_one_clear_sentence(trunk, tmp_path):
    missing = tmp_path / "missing.pth"
    with pytest.raises(BadInput, match=r"missing\.pth"):
        LPIPS(trunk=missing)

    text = tmp_path / "text.pth"
    text.write_text("not weights")
    with pytest.raises(BadInput, match="whole state dict"):
        LPIPS(trunk=text)
    text.rename(tmp_path / "text.safetensors")
    with pytest.raises(BadInput, match="whole state dict"):
        LPIPS(trunk=tmp_path / "text.safetensors")

    code = tmp_path / "code.pth"
    torch.save({"features.0.weight": pytest.raises}, code)  # a pickled function
    with pytest.raises(BadInput, match="whole state dict"):
        LPIPS(trunk=code)

    part = tmp_path / "part.pth"
    torch.save({key: value for key, value in trunk.items() if key != "features.6.bias"}, part)
    with pytest.raises(BadInput, match=r"lacks 'features\.6\.bias'"):
        LPIPS(trunk=part)

    other = tmp_path / "other.pth"
    torch.save({**trunk, "features.0.weight": torch.zeros(8, 3, 3, 3)}, other)
    with pytest.raises(BadInput, match="other shapes"):
        LPIPS(trunk=other)
