"""A filterset with every kind of filter."""

from __future__ import annotations

import django_filters as df

from tests.testapp.models import Article, Label


class EveryFilter(df.FilterSet):  # type: ignore[misc]
    text = df.CharFilter("title", lookup_expr="icontains", help_text="In the title.")
    number = df.NumberFilter("estimate")
    key = df.NumberFilter("id")
    loose = df.NumberFilter("unknown")
    flag = df.BooleanFilter("author", lookup_expr="isnull")
    code = df.UUIDFilter("title")
    spent = df.DurationFilter("title")
    day = df.DateFilter("due")
    moment = df.IsoDateTimeFilter("created")
    clock = df.TimeFilter("created")
    state = df.ChoiceFilter("status", choices=Article.Status.choices)
    states = df.MultipleChoiceFilter(field_name="status", choices=Article.Status.choices)
    own = df.ChoiceFilter("title", choices=[("a", "A")])
    label = df.ModelChoiceFilter("labels", queryset=Label.objects.all())
    labels = df.ModelMultipleChoiceFilter(queryset=Label.objects.all())
    estimate = df.RangeFilter()
    due = df.DateFromToRangeFilter()
    created = df.IsoDateTimeFromToRangeFilter()
    titles = df.BaseInFilter("title")
    sort = df.OrderingFilter(fields=["title"])

    class Meta:
        model = Article
        fields = {"status": ["in"], "author": ["exact", "in"]}
