"""Files dropped on a page of the admin: seen as they were read, corrected, and imported by a worker."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.decorators import display

from marketdata.admin.read_only import ReadOnlyAdmin
from marketdata.admin.upload_form import AnswersForm
from marketdata.chart_library import INTEGRITY
from marketdata.errors import MarketDataError
from marketdata.importing import mappings
from marketdata.importing.files.finding import SHOWN, SUFFIXES
from marketdata.importing.uploads import received, upload_queue
from marketdata.importing.uploads.upload_queue import TASKS
from marketdata.ledger import BREAK, words_of
from marketdata.models import Dataset, Upload
from marketdata.row_ids import row_id

MAY_IMPORT = "marketdata.add_import"


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    list_display = ("title", "shown_state", "by", "created_at", "all_files", "error")
    list_display_links = ("title",)

    @display(description="upload")
    def title(self, upload: Upload) -> str:
        return str(upload).capitalize()

    @display(
        description="state",
        label={"reading": "info", "read": "warning", "importing": "info", "done": "success", "failed": "danger"},
    )
    def shown_state(self, upload: Upload) -> str:
        return upload.state

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(MAY_IMPORT)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(MAY_IMPORT)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(MAY_IMPORT)

    def get_urls(self) -> list[URLPattern]:
        site = self.admin_site.admin_view
        own = [
            path("<int:pk>/panel/", site(self.panel), name="marketdata_upload_panel"),
            path("<int:pk>/answer/", site(self.answer), name="marketdata_upload_answer"),
        ]
        return [*own, *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page that takes files; a script sends them, and gets where they are to be seen, or why not."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return self._receive(request)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Import files",
            "forms": SHOWN,
            "suffixes": SUFFIXES,
            "most_bytes": settings.UPLOAD_MAX_BYTES,
            "most_files": settings.UPLOAD_MAX_FILES,
            "datasets": Dataset.objects.values_list("name", flat=True),
        }
        return TemplateResponse(request, "marketdata/upload_add.html", context)

    def _receive(self, request: HttpRequest) -> HttpResponse:
        try:
            if int(request.META.get("CONTENT_LENGTH") or 0) > settings.UPLOAD_MAX_BYTES * 1.01 + 1_000_000:
                raise received.BadUpload(f"That is more than {settings.UPLOAD_MAX_BYTES:,} bytes (UPLOAD_MAX_BYTES).")
            dataset = _dataset_name(request.POST.get("dataset", ""))
            files = [file for file in request.FILES.getlist("files") if isinstance(file, UploadedFile)]
            upload = received.receive(files, request.user.get_username())
        except MarketDataError as error:
            return JsonResponse({"detail": str(error)}, status=400)
        except OSError as error:
            return JsonResponse({"detail": f"The files cannot be kept: {error}."}, status=507)
        upload.answers = {"dataset": dataset}
        upload.save(update_fields=["answers"])
        upload_queue.queue(upload)
        return JsonResponse({"url": reverse("admin:marketdata_upload_change", args=[upload.pk])})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        upload = self._find(request, object_id)
        names = [file["name"] for file in upload.found.get("files", [])]
        only = ",".join(f"{name}={value}" for name, value in (upload.answers.get("only") or {}).items())
        form = AnswersForm(initial={**upload.answers, "only": only}, files=names)
        return self._page(request, upload, form)

    def _page(self, request: HttpRequest, upload: Upload, form: AnswersForm) -> HttpResponse:
        files = upload.found.get("files", [])
        symbols = upload.answers.get("symbols", {})
        correctable = upload.state not in (*TASKS, Upload.State.DONE)
        shown = [
            {**file, "number": number, "answer": symbols.get(file["name"], "")} for number, file in enumerate(files)
        ]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": upload,
            "title": str(upload).capitalize(),
            "upload": upload,
            "working": upload.state in TASKS,
            "files": shown,
            "readable": sum("problem" not in file for file in files),
            "correctable": correctable,
            "clashes": upload.found.get("clashes", []) if correctable else [],
            "previews": upload.found.get("previews", []) if correctable else [],
            "words": words_of(has_break=any(BREAK in one["ledger"] for one in upload.found.get("previews", []))),
            "reports": list(zip(upload.imports.order_by("pk"), upload.found.get("reports", []), strict=False)),
            "left_out": upload.found.get("left_out", []),
            "skipped": upload.found.get("skipped", []),
            "form": form,
            "may_start": request.user.has_perm("replay.add_session"),
            "datasets": Dataset.objects.values_list("name", flat=True),
            "chart_integrity": INTEGRITY,
        }
        return TemplateResponse(request, "marketdata/upload.html", context)

    def panel(self, request: HttpRequest, pk: int) -> HttpResponse:
        """How far the work is; once it is done the page comes anew."""
        upload = self._find(request, str(pk))
        if upload.state not in TASKS:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return TemplateResponse(request, "marketdata/upload_progress.html", {"upload": upload})

    def answer(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Corrections: read again with them, or import."""
        if request.method != "POST":
            raise PermissionDenied
        upload = self._find(request, str(pk), method="POST")
        form = AnswersForm(request.POST, files=[file["name"] for file in upload.found.get("files", [])])
        if upload.state not in (*TASKS, Upload.State.DONE) and form.is_valid():
            return self._take(request, upload, form)
        return self._page(request, upload, form) if form.errors else _back(upload)

    def _take(self, request: HttpRequest, upload: Upload, form: AnswersForm) -> HttpResponse:
        answers = dict(form.cleaned_data)
        keep_as = answers.pop("keep_as")
        try:
            if keep_as:
                mappings.keep(keep_as, mappings.options_of(answers))
        except MarketDataError as error:
            form.add_error("keep_as", str(error))
            return self._page(request, upload, form)
        importing = "import" in request.POST
        upload.answers, upload.error, upload.done_files, upload.seen_at = answers, "", 0, timezone.now()
        upload.state = Upload.State.IMPORTING if importing else Upload.State.READING
        upload.save(update_fields=["answers", "error", "done_files", "seen_at", "state"])
        upload_queue.queue(upload)
        return _back(upload)

    def _find(self, request: HttpRequest, number: str, method: str = "GET") -> Upload:
        if request.method != method or not self.has_view_permission(request):
            raise PermissionDenied
        found = Upload.objects.filter(pk=row_id(number)).first()
        if found is None:
            raise Http404(f"There is no upload {number}.")
        return found


def _back(upload: Upload) -> HttpResponse:
    return redirect("admin:marketdata_upload_change", upload.pk)


def _dataset_name(text: str) -> str:
    """Raises BadUpload for what is no dataset's name."""
    name = text.strip() or "uploaded"
    if not all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in name) or len(name) > 64:
        raise received.BadUpload(f"{name!r} is not a dataset's name: letters, digits, - and _.")
    return name
