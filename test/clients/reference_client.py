"""What programs written for the reference service do, as they do it: settings in the query string or the form, 200 for what was
accepted, polling, `detail` of what was not, Content-Types that are wrong, `files` repeated. Prints what it saw as JSON.

    python3 reference_client.py requests|httpx URL PHOTO PHOTO
"""

import importlib
import io
import json
import sys
import time
import zipfile

library, base, *paths = sys.argv[1:]
http = importlib.import_module(library)
photos = [(path.rsplit("/", 1)[-1], open(path, "rb").read()) for path in paths]
POLL_SECONDS = 2
seen = {}


def poll(url, done):
    """Reference clients ask every two to five seconds."""
    while True:
        response = http.get(url)
        assert response.status_code == 200, response.text
        status = response.json()
        assert 0 <= (status["progress"] or 0) <= 1
        if status["status"] in done:
            return status
        time.sleep(POLL_SECONDS)


def health():
    response = http.get(base + "/health")
    data = response.json()
    assert data["model_status"]["initialized"] is True
    return {"status": data["status"], "cuda": data["model_status"]["cuda_available"], "active": data["active_tasks"]}


def single(how):
    """One photo, its settings in the query string or in the form, under a Content-Type that is not its own."""
    settings = {"tile_size": 256, "quality_level": "fast"}
    name, content = photos[0]
    response = http.post(
        base + "/api/v1/enhance",
        files={"file": (name, content, "text/plain")},
        **({"params": settings} if how == "query" else {"data": settings}),
    )
    if response.status_code != 200:
        raise SystemExit("upload failed: " + response.json().get("detail", "unknown error"))
    task = response.json()
    assert task["status"] == "queued" and isinstance(task["created_at"], float)
    status = poll(base + "/api/v1/status/" + task["task_id"], ("completed", "failed"))
    assert status["status"] == "completed", status
    assert status["result_url"] and status["error"] is None and status["processing_time"] > 0
    result = http.get(base + "/api/v1/download/" + task["task_id"])
    assert result.status_code == 200
    deleted = http.delete(base + "/api/v1/tasks/" + task["task_id"])
    assert deleted.status_code == 200 and deleted.json()["message"]
    assert http.get(base + "/api/v1/status/" + task["task_id"]).status_code == 404
    return {"bytes": len(result.content), "type": result.headers["content-type"], "name": result.headers["content-disposition"]}


def batch():
    """`files`, repeated; one of them is no photo, and its Content-Type says that it is one."""
    files = [("files", (name, content, "application/octet-stream")) for name, content in photos]
    files.append(("files", ("notes.jpg", b"these are no pixels", "image/jpeg")))
    response = http.post(base + "/api/v1/enhance/batch", params={"quality_level": "fast"}, files=files)
    assert response.status_code == 200, response.text
    accepted = response.json()
    assert accepted["total_files"] == 3 and len(accepted["sub_tasks"]) == 3
    done = ("completed", "partial_completed", "failed")
    identifier = accepted["batch_task_id"]
    status = poll(base + "/api/v1/batch/status/" + identifier, done)
    progress = http.get(base + "/api/batch-progress/" + identifier).json()
    with zipfile.ZipFile(io.BytesIO(http.get(base + "/api/v1/batch/download/" + identifier).content)) as archive:
        assert archive.testzip() is None
        names = sorted(archive.namelist())
    resumed = http.post(base + "/api/resume-operation", json={"operation_id": identifier})
    undone = http.post(base + "/api/rollback", json={"operation_id": identifier})
    assert resumed.status_code == 200 and undone.status_code == 200, undone.text
    return {
        "status": status["status"],
        "sub_tasks": [task["status"] for task in status["sub_tasks"]],
        "errors": [task["error"] for task in status["sub_tasks"]],
        "progress": [progress["total"], progress["completed"], progress["failed"], progress["progress"]],
        "names": names,
        "undo": undone.json()["operation_id"][:2],
    }


def errors():
    """What reference clients print of an error is its `detail`."""
    name, content = photos[0]

    def detail(response, status):
        assert response.status_code == status, (response.status_code, response.text)
        return response.json()["detail"]

    twenty_one = [("files", (str(index) + ".jpg", b"x", "image/jpeg")) for index in range(21)]
    return [
        detail(http.post(base + "/api/v1/enhance", files={"file": ("a.jpg", b"no photo", "image/jpeg")}), 400),
        detail(http.post(base + "/api/v1/enhance?tile_size=9999", files={"file": (name, content)}), 400),
        detail(http.post(base + "/api/v1/enhance/batch", files=twenty_one), 400),
        detail(http.get(base + "/api/v1/status/unknown"), 404),
        detail(http.get(base + "/api/v1/batch/download/unknown"), 404),
    ]


def lists():
    tasks = http.get(base + "/api/v1/tasks").json()
    metrics = http.get(base + "/api/v1/performance").json()
    info = http.get(base + "/").json()
    return {
        "tasks": tasks["total_tasks"] == len(tasks["tasks"]),
        "metrics": sorted(metrics["current_metrics"]),
        "status": info["status"],
    }


seen["health"] = health()
seen["query"] = single("query")
seen["form"] = single("form")
seen["batch"] = batch()
seen["errors"] = errors()
seen["lists"] = lists()
print(json.dumps(seen))
